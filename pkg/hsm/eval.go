package hsm

// The forming of key bytes from expressions; every prober uses it, on its own side of the boundary.

import (
	"crypto/cipher"
	"crypto/subtle"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// maxFormed bounds what an expression may form, in bytes; the longest key in hex text is far below.
const maxFormed = 4096

// length checks an expression against the material and gives the length in bytes of what it forms. What passes here
// can be formed: form relies on it.
func length(material []*secret.Bytes, e Expr) (int, error) {
	switch e := e.(type) {
	case Part:
		if e < 0 || int(e) >= len(material) {
			return 0, fault.New(fault.NotFound, "piece %d of %d pieces does not exist", int(e)+1, len(material))
		}
		return material[e].Len(), nil
	case Zeros:
		if e < 0 || e > maxFormed {
			return 0, fault.New(fault.MalformedLength, "%d zero bytes cannot be formed", int(e))
		}
		return int(e), nil
	case XOR:
		return equalLength(material, e)
	case Sum:
		return equalLength(material, e)
	case Join:
		return joinedLength(material, e)
	case Slice:
		return sliceLength(material, e)
	case Edit:
		if e.Delta > 15 {
			return 0, fault.New(fault.Malformed, "a hex digit is changed by 1 to 15, not by %d", e.Delta)
		}
		return withDigits(material, e.Of, e.Digit, 1)
	case Transpose:
		return withDigits(material, e.Of, e.Digit, 2)
	case Corrected:
		return correctedLength(material, e)
	case FixParity:
		return length(material, e.Of)
	case Crypt:
		return cryptLength(material, e)
	case Derived:
		return derivedLength(material, e)
	case KeyXOR:
		return length(material, e.Of)
	case Text:
		n, err := length(material, e.Of)
		if 2*n > maxFormed {
			return 0, fault.New(fault.MalformedLength, "%d bytes are too many to form", 2*n)
		}
		return 2 * n, err
	}
	return 0, fault.New(fault.Malformed, "an expression of unknown type %T", e)
}

func equalLength[L ~[]Expr](material []*secret.Bytes, pieces L) (int, error) {
	if len(pieces) == 0 {
		return 0, fault.New(fault.Malformed, "an expression without pieces")
	}
	first, err := length(material, pieces[0])
	if err != nil {
		return 0, err
	}
	for i, p := range pieces[1:] {
		n, err := length(material, p)
		if err != nil {
			return 0, err
		}
		if n != first {
			return 0, fault.New(fault.MalformedLength, "piece %d has %d bytes, piece 1 has %d; only equal lengths combine", i+2, n, first)
		}
	}
	return first, nil
}

func joinedLength(material []*secret.Bytes, pieces Join) (int, error) {
	sum := 0
	for _, p := range pieces {
		n, err := length(material, p)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	if sum > maxFormed {
		return 0, fault.New(fault.MalformedLength, "%d bytes are too many to form", sum)
	}
	return sum, nil
}

func sliceLength(material []*secret.Bytes, e Slice) (int, error) {
	n, err := length(material, e.Of)
	if err != nil {
		return 0, err
	}
	if e.From < 0 || e.To < e.From || e.To > n {
		return 0, fault.New(fault.MalformedLength, "bytes %d to %d cannot be cut from %d bytes", e.From+1, e.To, n)
	}
	return e.To - e.From, nil
}

func withDigits(material []*secret.Bytes, of Expr, digit, count int) (int, error) {
	n, err := length(material, of)
	if err != nil {
		return 0, err
	}
	if digit < 0 || digit+count > 2*n {
		return 0, fault.New(fault.MalformedLength, "digit %d does not exist in %d digits", digit+count, 2*n)
	}
	return n, nil
}

func cryptLength(material []*secret.Bytes, e Crypt) (int, error) {
	n, err := length(material, e.Of)
	if err != nil {
		return 0, err
	}
	keyLen, err := length(material, e.Key)
	if err != nil {
		return 0, err
	}
	if e.Mode != ECB && e.Mode != CBC {
		return 0, fault.New(fault.Malformed, "cipher mode %q is neither ecb nor cbc", string(e.Mode))
	}
	if !e.Algorithm.IsBlockCipher() || keyLen != e.Algorithm.KeyLen() {
		return 0, fault.New(fault.MalformedLength, "a key of %d bytes is not a key for %s", keyLen, e.Algorithm)
	}
	if block := blockSize(e.Algorithm); n == 0 || n%block != 0 {
		return 0, fault.New(fault.MalformedLength, "%d bytes are not whole blocks of %d bytes for %s", n, block, e.Algorithm)
	}
	return n, nil
}

func blockSize(alg keys.Algorithm) int {
	if alg.IsDES() {
		return 8
	}
	return 16
}

// form makes the bytes of an expression that length has passed, as a secret that the caller wipes.
func form(material []*secret.Bytes, e Expr) (*secret.Bytes, error) {
	switch e := e.(type) {
	case Part:
		return material[e].Clone(), nil
	case Zeros:
		return secret.New(int(e)), nil
	case XOR:
		return fold(material, e, xorInto)
	case Sum:
		return fold(material, e, addInto)
	case Join:
		return formJoin(material, e)
	case Slice:
		whole, err := form(material, e.Of)
		if err != nil {
			return nil, err
		}
		defer whole.Wipe()
		return secret.Copy(whole.Expose()[e.From:e.To]), nil
	case Edit:
		return change(material, e.Of, func(b []byte) { setDigit(b, e.Digit, digitAt(b, e.Digit)^e.Delta) })
	case Transpose:
		return change(material, e.Of, func(b []byte) {
			first, second := digitAt(b, e.Digit), digitAt(b, e.Digit+1)
			setDigit(b, e.Digit, second)
			setDigit(b, e.Digit+1, first)
		})
	case Corrected:
		return formCorrected(material, e)
	case FixParity:
		return change(material, e.Of, keys.FixParity)
	case KeyXOR:
		return change(material, e.Of, func(b []byte) {
			for at := 0; at < len(b); at += 8 {
				b[at] ^= e.Mask
			}
		})
	case Crypt:
		return formCrypt(material, e)
	case Derived:
		return formDerived(material, e)
	case Text:
		return formText(material, e)
	}
	return nil, fault.New(fault.Malformed, "an expression of unknown type %T", e)
}

func change(material []*secret.Bytes, of Expr, edit func([]byte)) (*secret.Bytes, error) {
	out, err := form(material, of)
	if err == nil {
		edit(out.Expose())
	}
	return out, err
}

func fold[L ~[]Expr](material []*secret.Bytes, pieces L, into func(dst, src []byte)) (*secret.Bytes, error) {
	out, err := form(material, pieces[0])
	if err != nil {
		return nil, err
	}
	for _, p := range pieces[1:] {
		next, err := form(material, p)
		if err != nil {
			out.Wipe()
			return nil, err
		}
		into(out.Expose(), next.Expose())
		next.Wipe()
	}
	return out, nil
}

func xorInto(dst, src []byte) { subtle.XORBytes(dst, dst, src) }

func addInto(dst, src []byte) {
	carry := 0
	for i := len(dst) - 1; i >= 0; i-- {
		sum := int(dst[i]) + int(src[i]) + carry
		dst[i], carry = byte(sum), sum>>8
	}
}

func formJoin(material []*secret.Bytes, pieces Join) (*secret.Bytes, error) {
	n, err := joinedLength(material, pieces)
	if err != nil {
		return nil, err
	}
	out := secret.New(n)
	at := out.Expose()
	for _, p := range pieces {
		next, err := form(material, p)
		if err != nil {
			out.Wipe()
			return nil, err
		}
		at = at[copy(at, next.Expose()):]
		next.Wipe()
	}
	return out, nil
}

// correctedLength tries the slip on zeros: whether it fits depends on the number of digits alone.
func correctedLength(material []*secret.Bytes, e Corrected) (int, error) {
	n, err := length(material, e.Of)
	if err != nil {
		return 0, err
	}
	if e.Size < 0 || e.Size > maxFormed || e.Digits < 0 || e.Digits > 2*n {
		return 0, fault.New(fault.MalformedLength, "%d of %d digits cannot be corrected to %d bytes", e.Digits, 2*n, e.Size)
	}
	if err := e.Slip.Apply(make([]byte, 2*e.Size), make([]byte, typedDigits(n, e.Digits))); err != nil {
		return 0, err
	}
	return e.Size, nil
}

func typedDigits(bytes, digits int) int {
	if digits == 0 {
		return 2 * bytes
	}
	return digits
}

func formCorrected(material []*secret.Bytes, e Corrected) (*secret.Bytes, error) {
	typed, err := formDigits(material, e.Of, e.Digits)
	if err != nil {
		return nil, err
	}
	defer typed.Wipe()
	right := secret.New(2 * e.Size)
	defer right.Wipe()
	if err := e.Slip.Apply(right.Expose(), typed.Expose()); err != nil {
		return nil, err
	}
	out := secret.New(e.Size)
	slip.Pack(out.Expose(), right.Expose())
	return out, nil
}

// formDigits gives the hex digits of a piece, one per byte; 0 asks for all of them.
func formDigits(material []*secret.Bytes, of Expr, digits int) (*secret.Bytes, error) {
	packed, err := form(material, of)
	if err != nil {
		return nil, err
	}
	defer packed.Wipe()
	out := secret.New(typedDigits(packed.Len(), digits))
	slip.Unpack(out.Expose(), packed.Expose())
	return out, nil
}

func formCrypt(material []*secret.Bytes, e Crypt) (*secret.Bytes, error) {
	key, err := form(material, e.Key)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	b, err := keys.NewCipher(e.Algorithm, key.Expose())
	if err != nil {
		return nil, err
	}
	return change(material, e.Of, func(data []byte) { run(b, e.Mode, e.Encrypt, data) })
}

func run(b cipher.Block, mode CryptMode, encrypt bool, data []byte) {
	iv := make([]byte, b.BlockSize())
	switch {
	case mode == CBC && encrypt:
		cipher.NewCBCEncrypter(b, iv).CryptBlocks(data, data) //nolint:gosec // G407: a zero IV is the mistake looked for
	case mode == CBC:
		cipher.NewCBCDecrypter(b, iv).CryptBlocks(data, data)
	case encrypt:
		cipherx.ECBEncrypt(b, data, data)
	default:
		cipherx.ECBDecrypt(b, data, data)
	}
}

const hexDigits = "0123456789ABCDEF"

func formText(material []*secret.Bytes, e Text) (*secret.Bytes, error) {
	out, err := formDigits(material, e.Of, 0)
	if err != nil {
		return nil, err
	}
	alphabet := hexDigits
	if e.Lower {
		alphabet = strings.ToLower(hexDigits)
	}
	for i, digit := range out.Expose() {
		out.Expose()[i] = alphabet[digit]
	}
	return out, nil
}

func digitAt(b []byte, digit int) byte {
	if digit%2 == 0 {
		return b[digit/2] >> 4
	}
	return b[digit/2] & 0x0F
}

func setDigit(b []byte, digit int, v byte) {
	if digit%2 == 0 {
		b[digit/2] = b[digit/2]&0x0F | v<<4
		return
	}
	b[digit/2] = b[digit/2]&0xF0 | v&0x0F
}
