package custody

// Files encrypted to officers: backups.

import (
	"errors"
	"io"
	"io/fs"

	"filippo.io/age"

	"poskey/internal/fault"
)

// ReadBack opens what [SealTo] has written, so that it can be compared with what should be there. Its key was drawn for
// this, is nowhere else, and is the garbage collector's when the ReadBack is.
type ReadBack struct{ key *age.X25519Identity }

// SealTo gives a writer whose content each of the officers can decrypt alone (age-encryption.org/v1), and the means to
// read it back at once. Nothing is whole before Close. It is for what would be no harm to any one officer, such as
// blocks under the master key; the master key itself goes out as shares only ([Seal]). It says nothing of who wrote it:
// whoever has the cards can make such a file. An officer who leaves goes on reading what was encrypted for them.
func SealTo(w io.Writer, cards []Card) (io.WriteCloser, *ReadBack, error) {
	if len(cards) == 0 {
		return nil, nil, fault.New(fault.Usage, "there is no officer to encrypt for")
	}
	own, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Failure, err, "draw a key to read the file back with")
	}
	to := []age.Recipient{own.Recipient()}
	for _, c := range cards {
		r, err := age.ParseX25519Recipient(c.recipient)
		if err != nil {
			return nil, nil, fault.New(fault.Malformed, "the recipient of %s cannot be used", c.id)
		}
		to = append(to, r)
	}
	sealed, err := age.Encrypt(w, to...)
	if err != nil {
		return nil, nil, fault.WrapAs(fault.Failure, err, "begin the encrypted file")
	}
	return sealed, &ReadBack{own}, nil
}

// Open decrypts what was written. Errors as of [Identity.OpenSealed].
func (r *ReadBack) Open(sealed io.Reader) (io.Reader, error) { return openAge(sealed, r.key) }

// OpenSealed decrypts what [SealTo] wrote for this officer among others. The identity is needed for the beginning only:
// it can be wiped before the rest is read. Errors: not_permitted when the file is not for this officer; malformed when
// it is no such file; and what reading it fails with. The reader fails (mac_mismatch) where the file was changed or cut
// short, before it gives anything of the 64 KiB around that place.
func (id *Identity) OpenSealed(sealed io.Reader) (io.Reader, error) {
	own, err := id.age()
	if err != nil {
		return nil, err
	}
	plain, err := openAge(sealed, own)
	return plain, fault.Wrap(err, "%s", id.card.id)
}

func openAge(sealed io.Reader, own *age.X25519Identity) (io.Reader, error) {
	plain, err := age.Decrypt(sealed, own)
	var other *age.NoIdentityMatchError
	switch {
	case err != nil && unreadable(err):
		return nil, fault.Wrap(err, "read the encrypted file")
	case errors.As(err, &other):
		return nil, fault.New(fault.NotPermitted, "the file is encrypted for other officers")
	case err != nil:
		return nil, fault.New(fault.Malformed, "it is no file that was encrypted for officers, or its head was changed")
	}
	return sealedReader{plain}, nil
}

// sealedReader gives its errors a kind: what age finds after the head is damage, what the file fails with is not.
type sealedReader struct{ from io.Reader }

func (r sealedReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case unreadable(err):
		return n, fault.Wrap(err, "read the encrypted file")
	}
	return n, fault.New(fault.MACMismatch, "the encrypted file was changed or cut short")
}

// unreadable tells what a file, or whatever it is read from, fails with.
func unreadable(err error) bool {
	var file *fs.PathError
	var known *fault.Error
	return errors.As(err, &file) || errors.As(err, &known)
}
