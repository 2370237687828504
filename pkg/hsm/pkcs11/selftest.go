//go:build cgo && !windows

package pkcs11

// The self-test: what this token does itself, tried now.

import (
	"context"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// trials lists what is tried, in the order of a key's life.
func trials() []step {
	var all []step
	for _, alg := range keys.Named() {
		if alg != keys.SM4 {
			all = append(all, generateStep(alg))
		}
	}
	for _, alg := range keys.Named() {
		k, ok := kindOf(alg)
		switch {
		case !ok:
		case k.ecb == 0:
			all = append(all, valueStep(alg, kcv.HMACEmpty))
		default:
			all = append(all, valueStep(alg, kcv.ECBZero))
			if k.sign != 0 {
				all = append(all, valueStep(alg, kcv.CMAC))
			}
		}
	}
	return append(all, wrapStep(), xorStep(), deriveTDESStep(), deriveAESStep(), sensitiveStep(), unextractableStep())
}

func deriveTDESStep() step {
	return step{"derive-tdes", text.New("derive under a triple DES key (a step of TDES DUKPT)"),
		p11.CKM_DES3_ECB_ENCRYPT_DATA,
		"CKM_DES3_ECB_ENCRYPT_DATA", JobDerive, nil, func(s *session) error {
			return s.tryDerive(keys.TDES128, p11.CKM_DES3_ECB_ENCRYPT_DATA, template{keyType: p11.CKK_DES2,
				readable: true}, 16)
		}}
}

func deriveAESStep() step {
	return step{"derive-aes", text.New("derive under an AES key (a step of AES DUKPT)"), p11.CKM_AES_ECB_ENCRYPT_DATA,
		"CKM_AES_ECB_ENCRYPT_DATA", JobDerive, nil, func(s *session) error {
			return s.tryDerive(keys.AES128, p11.CKM_AES_ECB_ENCRYPT_DATA, template{keyType: p11.CKK_AES,
				readable: true, valueLen: 16}, 16)
		}}
}

// tryDerive holds a derived key against the encrypted data, parity bits of DES aside: tokens set those.
func (s *session) tryDerive(alg keys.Algorithm, mech uint, x template, n int) error {
	k, _ := kindOf(alg)
	clear := testKey(alg)
	defer clear.Wipe()
	data := secret.New(n)
	defer data.Wipe()
	for i := range data.Expose() {
		data.Expose()[i] = byte(0x31 * (i + 1))
	}
	base, err := s.m.create(s.h, s.attributes(template{keyType: k.keyType, uses: []uint{p11.CKA_DERIVE,
		p11.CKA_ENCRYPT}}), clear)
	if err != nil {
		return err
	}
	defer s.destroy(base)
	o, err := s.derive(mech, base, data, x)
	if err != nil {
		return err
	}
	defer s.destroy(o)
	got, err := s.m.value(s.h, o)
	if err != nil {
		return err
	}
	defer got.Wipe()
	cipher, err := keys.NewCipher(alg, clear.Expose())
	if err != nil {
		return err
	}
	want := secret.New(n)
	defer want.Wipe()
	for at := 0; at < n; at += cipher.BlockSize() {
		cipher.Encrypt(want.Expose()[at:], data.Expose()[at:])
	}
	if alg.IsDES() {
		keys.FixParity(want.Expose())
		keys.FixParity(got.Expose())
	}
	if !got.Equal(want) {
		return errWrong()
	}
	return nil
}

func sensitiveStep() step {
	return step{"keeps-sensitive", text.New("refuse to show a sensitive key"), 0, "", "", nil, func(s *session) error {
		o, err := s.generated(keys.AES256, aesKind(), template{wrapped: true})
		if err != nil {
			return err
		}
		defer s.destroy(o)
		clear, err := s.m.value(s.h, o)
		if err == nil {
			clear.Wipe()
			return errGivenAway()
		}
		if !isCode(err, p11.CKR_ATTRIBUTE_SENSITIVE) {
			return err
		}
		return nil
	}}
}

func unextractableStep() step {
	return step{"keeps-unextractable", text.New("refuse to wrap a key that is not extractable"), 0, "", "", nil,
		func(s *session) error {
			master, err := s.masterKey()
			if err != nil {
				return err
			}
			defer s.destroy(master)
			o, err := s.generated(keys.AES256, aesKind(), template{})
			if err != nil {
				return err
			}
			defer s.destroy(o)
			if _, err := s.m.WrapKey(s.h, mechanism(wrapPad, nil), master, o); err == nil {
				return errGivenAway()
			}
			return nil
		}}
}

func aesKind() kind {
	k, _ := kindOf(keys.AES256)
	return k
}

func errGivenAway() error {
	return fault.New(fault.SelftestFailed, "the token gives it away: do not rely on it to keep a key inside")
}

// Selftest tries what the token can do, with keys of the session that are thrown away. A step that does not work is no
// error of the call; errors are those of a token that does not answer.
func (t *Token) Selftest(ctx context.Context) (all []Trial, err error) {
	err = t.with(ctx, func(s *session) error {
		listed, err := s.m.GetMechanismList(s.slot)
		if err != nil {
			return failed(err, text.New("list its mechanisms"))
		}
		has := map[uint]bool{}
		for _, m := range listed {
			has[m.Mechanism] = true
		}
		for _, x := range trials() {
			if err := ended(ctx); err != nil {
				return err
			}
			all = append(all, s.trial(x, has))
		}
		all = append(all, s.jobs()...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (s *session) trial(x step, listed map[uint]bool) Trial {
	began := s.o.Env.Now()
	err := x.try(s)
	out := Trial{Step: x.id, Text: x.text, Mechanism: x.name, Listed: x.name == "" || listed[x.mechanism],
		Works:  err == nil,
		Needed: isNeeded(x.id), Wrong: isWrong(err), Took: max(1, s.o.Env.Now().Sub(began))}
	switch {
	case x.job == JobDerive: // the steps of DUKPT that a token can do are not used yet
		out.Place = s.placeOfJob()
	case err == nil:
		out.Place = PlaceToken
	case x.instead != nil && s.can(*x.instead): // as a CMAC by the token's ECB
		out.Place = PlaceToken
	case x.job != "":
		out.Place = s.placeOfJob()
	default:
		out.Place = PlaceNone
	}
	out.Err = failed(err, text.New("tried"))
	return out
}

func (t *Token) placeOfJob() Place {
	if t.uri.allows(t.o.Allow) {
		return PlaceProcess
	}
	return PlaceNone
}

// isNeeded lists what a master key in the token cannot do without.
func isNeeded(id string) bool {
	for _, x := range []step{generateStep(keys.AES256), valueStep(keys.AES256, kcv.CMAC), wrapStep(), sensitiveStep()} {
		if x.id == id {
			return true
		}
	}
	return false
}

// jobs are those that no token does for us: rows without a trial.
func (t *Token) jobs() []Trial {
	var all []Trial
	for _, j := range []Job{JobSplit, JobDerive, JobWrap, JobUnwrap, JobTranslate, JobExamine, JobReveal, JobProbe} {
		row := Trial{Step: "job-" + string(j), Text: j.work(), Place: t.placeOfJob()}
		if row.Works = row.Place == PlaceProcess; !row.Works {
			row.Err = j.refused()
		}
		all = append(all, row)
	}
	return all
}
