//go:build cgo && !windows

package pkcs11

// The list of what is in a token.

import (
	"context"
	"encoding/binary"
	"fmt"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/text"
	"poskey/pkg/kcv"
)

// Keys lists the token's secret keys, also those that are not poskey's.
func (t *Token) Keys(ctx context.Context) (all []ObjectInfo, err error) {
	err = t.with(ctx, func(s *session) error {
		found, err := s.found([]*p11.Attribute{p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY),
			p11.NewAttribute(p11.CKA_TOKEN, true)})
		if err != nil {
			return failed(err, text.New("list its keys"))
		}
		for _, o := range found {
			if err := ended(ctx); err != nil {
				return err
			}
			all = append(all, s.describe(o))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// get reads one attribute; nil where the token does not tell.
func (s *session) get(o p11.ObjectHandle, attribute uint) []byte {
	got, err := s.m.GetAttributeValue(s.h, o, []*p11.Attribute{p11.NewAttribute(attribute, nil)})
	if err != nil || len(got) != 1 {
		return nil
	}
	return got[0].Value
}

func (s *session) flag(o p11.ObjectHandle, attribute uint) bool {
	v := s.get(o, attribute)
	return len(v) > 0 && v[0] != 0
}

func (s *session) number(o p11.ObjectHandle, attribute uint) (uint, bool) {
	switch v := s.get(o, attribute); len(v) {
	case 8:
		return uint(binary.NativeEndian.Uint64(v)), true
	case 4:
		return uint(binary.NativeEndian.Uint32(v)), true
	}
	return 0, false
}

func (s *session) describe(o p11.ObjectHandle) ObjectInfo {
	info := ObjectInfo{Label: plain(string(s.get(o, p11.CKA_LABEL))), ID: upper(s.get(o, p11.CKA_ID)),
		Sensitive: s.flag(o, p11.CKA_SENSITIVE), Extractable: s.flag(o, p11.CKA_EXTRACTABLE), Local: s.flag(o,
			p11.CKA_LOCAL)}
	keyType, known := s.number(o, p11.CKA_KEY_TYPE)
	if !known {
		return info
	}
	var k kind
	info.Type, info.Len, k = typeOf(keyType)
	if n, ok := s.number(o, p11.CKA_VALUE_LEN); ok && info.Len == 0 {
		info.Len = int(n)
	}
	if k.ecb == 0 || !s.flag(o, p11.CKA_ENCRYPT) {
		return info
	}
	full, err := s.encrypt(o, k.ecb, make([]byte, k.block))
	if err == nil && len(full) == k.block {
		info.Check = kcv.Value{Method: kcv.ECBZero, Digits: upper(full)[:6]}
	}
	return info
}

// typeOf names a key type, with the length that it fixes and how it encrypts.
func typeOf(keyType uint) (name string, length int, k kind) {
	switch keyType {
	case p11.CKK_AES:
		return "aes", 0, kind{ecb: p11.CKM_AES_ECB, block: 16}
	case p11.CKK_DES:
		return "des", 8, kind{ecb: p11.CKM_DES_ECB, block: 8}
	case p11.CKK_DES2:
		return "des2", 16, kind{ecb: p11.CKM_DES3_ECB, block: 8}
	case p11.CKK_DES3:
		return "des3", 24, kind{ecb: p11.CKM_DES3_ECB, block: 8}
	case p11.CKK_GENERIC_SECRET:
		return "generic-secret", 0, kind{}
	}
	return fmt.Sprintf("0x%X", keyType), 0, kind{}
}
