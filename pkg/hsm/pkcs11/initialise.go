//go:build cgo && !windows

package pkcs11

// The master key's two objects: made once, found at every opening.

import (
	"context"
	"slices"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// The objects of a master key are called NAME-wrap and NAME-mac.
const (
	wrapSuffix = "-wrap"
	macSuffix  = "-mac"
)

// maxObject bounds a master key's name: labels of objects are for people, and some tokens cut long ones.
const maxObject = 64

func (t *Token) object() (string, error) {
	name := t.uri.Object
	if name == "" {
		name = t.o.Object
	}
	if name == "" {
		return "", fault.New(fault.Usage,
			"object= is missing in the pkcs11: name; it names the master key in the token")
	}
	if len(name) > maxObject {
		return "", fault.New(fault.Usage,
			"the master key's name has %d characters, at most %d are possible", len(name), maxObject)
	}
	return name, nil
}

// Initialise makes the master key's objects in the token. An object of that name that is there already is never touched:
// the keys under it would be lost (kind file_exists).
func Initialise(ctx context.Context, u URI, o Options) error {
	t, err := Connect(ctx, u, o)
	if err != nil {
		return err
	}
	err = t.initialise(ctx)
	if endErr := t.Close(); err == nil {
		err = endErr
	}
	return err
}

func (t *Token) initialise(ctx context.Context) error {
	name, err := t.object()
	if err != nil {
		return err
	}
	if t.info.LoginRequired && !t.login {
		return fault.New(fault.NotPermitted, "the token has no user PIN yet; set one with the token's own tool")
	}
	return t.with(ctx, func(s *session) error {
		for _, label := range []string{name + wrapSuffix, name + macSuffix} {
			there, err := s.labelled(label)
			if err != nil {
				return failed(err, text.New("look for the master key"))
			}
			if len(there) > 0 {
				return fault.New(fault.FileExists,
					"the token has an object %s already; it is not replaced", text.Redact(label))
			}
		}
		if err := s.tryWrap(); err != nil {
			return fault.Wrap(failed(err, text.Raw("CKM_AES_KEY_WRAP_PAD")), "the token cannot hold a master key")
		}
		return s.makeMaster(name)
	})
}

// makeMaster makes both objects, or none.
func (s *session) makeMaster(name string) error {
	wrap, err := s.makeObject(name+wrapSuffix, p11.CKA_WRAP, p11.CKA_UNWRAP)
	if err != nil {
		return failed(err, text.New("make the master key"))
	}
	mac, err := s.makeObject(name+macSuffix, p11.CKA_SIGN, p11.CKA_VERIFY)
	if err != nil {
		s.destroy(wrap)
		return failed(err, text.New("make the master key"))
	}
	for _, o := range []p11.ObjectHandle{wrap, mac} {
		if err := s.checkMaster(o); err != nil {
			s.destroy(wrap)
			s.destroy(mac)
			return err
		}
	}
	return nil
}

func (s *session) makeObject(label string, uses ...uint) (p11.ObjectHandle, error) {
	list := []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY),
		p11.NewAttribute(p11.CKA_KEY_TYPE, p11.CKK_AES),
		p11.NewAttribute(p11.CKA_VALUE_LEN, 32),
		p11.NewAttribute(p11.CKA_TOKEN, true),
		p11.NewAttribute(p11.CKA_PRIVATE, s.login),
		p11.NewAttribute(p11.CKA_SENSITIVE, true),
		p11.NewAttribute(p11.CKA_EXTRACTABLE, false),
		p11.NewAttribute(p11.CKA_LABEL, label),
		p11.NewAttribute(p11.CKA_ID, label),
	}
	for _, use := range []uint{p11.CKA_ENCRYPT, p11.CKA_DECRYPT, p11.CKA_SIGN, p11.CKA_VERIFY, p11.CKA_WRAP,
		p11.CKA_UNWRAP, p11.CKA_DERIVE} {
		list = append(list, p11.NewAttribute(use, slices.Contains(uses, use)))
	}
	return s.m.GenerateKey(s.h, mechanism(p11.CKM_AES_KEY_GEN, nil), list)
}

// labelled finds the secret keys with a label.
func (s *session) labelled(label string) ([]p11.ObjectHandle, error) {
	return s.found([]*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY),
		p11.NewAttribute(p11.CKA_TOKEN, true),
		p11.NewAttribute(p11.CKA_LABEL, label),
	})
}

// maxFound bounds what is listed of a token.
const maxFound = 10000

func (s *session) found(template []*p11.Attribute) ([]p11.ObjectHandle, error) {
	if err := s.m.FindObjectsInit(s.h, template); err != nil {
		return nil, err
	}
	var all []p11.ObjectHandle
	for len(all) < maxFound {
		some, _, err := s.m.FindObjects(s.h, 100)
		if err != nil {
			_ = s.m.FindObjectsFinal(s.h)
			return nil, err
		}
		if len(some) == 0 {
			break
		}
		all = append(all, some...)
	}
	return all, s.m.FindObjectsFinal(s.h)
}

// master finds one of the two objects.
func (s *session) master(label string) (p11.ObjectHandle, error) {
	all, err := s.labelled(label)
	if err != nil {
		return 0, failed(err, text.New("look for the master key"))
	}
	switch len(all) {
	case 1:
		return all[0], s.checkMaster(all[0])
	case 0:
		return 0, fault.New(fault.NotFound,
			"the token has no object %s, so it does not hold this master key", text.Redact(label))
	}
	return 0, fault.New(fault.NotPermitted,
		"the token has %d objects %s; which one is the master key?", len(all), text.Redact(label))
}

// checkMaster refuses a master key that could leave its token.
func (s *session) checkMaster(o p11.ObjectHandle) error {
	flags, err := s.m.GetAttributeValue(s.h, o, []*p11.Attribute{
		p11.NewAttribute(p11.CKA_SENSITIVE, nil), p11.NewAttribute(p11.CKA_EXTRACTABLE, nil),
		p11.NewAttribute(p11.CKA_NEVER_EXTRACTABLE, nil),
	})
	if err != nil {
		return failed(err, text.New("look at the master key"))
	}
	if !isTrue(flags[0]) || isTrue(flags[1]) || !isTrue(flags[2]) {
		return fault.New(fault.NotPermitted, "the master key in the token is not one that must stay there: "+
			"it is not sensitive, or it is or was extractable")
	}
	return nil
}

func isTrue(a *p11.Attribute) bool { return len(a.Value) > 0 && a.Value[0] != 0 }

// working gives a copy of a master key's object in the token's working memory, as closed as the object itself, or the
// object where the token makes none. NSS decrypts an object of its database anew for every use, which takes milliseconds.
func (s *session) working(o p11.ObjectHandle) p11.ObjectHandle {
	list := []*p11.Attribute{p11.NewAttribute(p11.CKA_TOKEN, false)}
	c, err := s.m.CopyObject(s.h, o, list)
	if err != nil {
		return o
	}
	if !s.flag(c, p11.CKA_SENSITIVE) || s.flag(c, p11.CKA_EXTRACTABLE) {
		s.destroy(c)
		return o
	}
	return c
}
