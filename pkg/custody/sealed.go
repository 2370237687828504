package custody

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

const (
	titleMaster = "poskey sealed master"

	labelStore       = "store"
	labelGeneration  = "generation"
	labelThreshold   = "threshold"
	labelOfficers    = "officers"
	labelSet         = "set"
	labelKeyCheck    = "key check"
	labelOfficer     = "officer"
	labelFingerprint = "fingerprint"
	labelCommitment  = "commitment"
	labelShare       = "share"
	labelMAC         = "master check"

	maxShareBytes = 4096 // of one share as age encrypts it; it has some 900
	maxGeneration = 1 << 32
)

// SealedMaster is the document that holds a store's master key as shares, each encrypted to an officer. It may be read
// by everybody.
type SealedMaster struct {
	store       string
	environment Environment
	generation  uint64
	created     time.Time
	threshold   int
	set         string
	check       kcv.Value
	holders     []holder
	mac         [sha256.Size]byte
}

// holder is an officer with their share, which is number i+1 in the list.
type holder struct {
	id          string
	fingerprint Fingerprint
	commitment  [sha256.Size]byte
	share       []byte // encrypted
}

// Store is the id of the store.
func (m *SealedMaster) Store() string { return m.store }

// Environment is that of the store and of every officer.
func (m *SealedMaster) Environment() Environment { return m.environment }

// Generation counts from 1; every new sharing voids those before.
func (m *SealedMaster) Generation() uint64 { return m.generation }

// Created is when this generation was made.
func (m *SealedMaster) Created() time.Time { return m.created }

// Threshold is how many officers it takes, Officers who they are.
func (m *SealedMaster) Threshold() int { return m.threshold }

// Officers lists those who hold a share.
func (m *SealedMaster) Officers() []Holder {
	var all []Holder
	for _, h := range m.holders {
		all = append(all, Holder{h.id, h.fingerprint})
	}
	return all
}

// Holder names an officer who holds a share.
type Holder struct {
	ID          string
	Fingerprint Fingerprint
}

// Check is the check value of the master key.
func (m *SealedMaster) Check() kcv.Value { return m.check }

// Digest stands for the document in a log, so that a swapped one is noticed by whoever compares.
func (m *SealedMaster) Digest() [sha256.Size]byte { return sha256.Sum256(m.Marshal()) }

// head is what every share is bound to.
func (m *SealedMaster) head() []byte {
	var w writer
	w.title(titleMaster)
	w.field(labelStore, m.store)
	w.field(labelEnvironment, string(m.environment))
	w.number(labelGeneration, m.generation)
	w.time(labelCreated, m.created)
	w.number(labelThreshold, uint64(m.threshold))
	w.number(labelOfficers, uint64(len(m.holders)))
	w.field(labelSet, m.set)
	w.field(labelKeyCheck, checkText(m.check))
	for i, h := range m.holders {
		w.field(numbered(labelOfficer, i), h.id)
		w.hex(numbered(labelFingerprint, i), h.fingerprint[:])
		w.hex(numbered(labelCommitment, i), h.commitment[:])
	}
	return w.text
}

// body is head and the shares: what the master key itself vouches for.
func (m *SealedMaster) body() []byte {
	var w writer
	w.add(m.head())
	for i, h := range m.holders {
		w.field(numbered(labelShare, i), base64.StdEncoding.EncodeToString(h.share))
	}
	return w.text
}

// Marshal writes the document.
func (m *SealedMaster) Marshal() []byte {
	var w writer
	w.add(m.body())
	w.hex(labelMAC, m.mac[:])
	w.digest()
	return w.end()
}

func numbered(label string, i int) string { return label + " " + strconv.Itoa(i+1) }

// ParseSealedMaster reads the document. Whether the master key vouches for it shows when officers open it.
// Errors: malformed, version_unsupported, too_large; checksum_mismatch for a damaged one.
func ParseSealedMaster(raw []byte) (*SealedMaster, error) {
	r := read(raw, titleMaster)
	m := readMaster(r)
	if err := r.end(); err != nil {
		return nil, fault.Wrap(err, "sealed master key")
	}
	if err := same(raw, m.Marshal()); err != nil {
		return nil, fault.Wrap(err, "sealed master key")
	}
	return m, nil
}

func readMaster(r *reader) *SealedMaster {
	m := &SealedMaster{}
	m.store = r.field(labelStore)
	m.environment = Environment(r.field(labelEnvironment))
	m.generation = r.number(labelGeneration, maxGeneration)
	m.created = r.time(labelCreated)
	m.threshold = int(r.number(labelThreshold, component.MaxParts))
	m.holders = make([]holder, r.number(labelOfficers, component.MaxParts))
	m.set = r.field(labelSet)
	m.check = readCheck(r)
	r.check(m.checkHead)
	for i := range m.holders {
		m.holders[i] = readHolder(r, i, m.holders[:i])
	}
	for i := range m.holders {
		m.holders[i].share = readShare(r, i)
	}
	r.hex(labelMAC, m.mac[:])
	r.digest()
	return m
}

func (m *SealedMaster) checkHead() error {
	if err := checkStore(m.store); err != nil {
		return err
	}
	if err := m.environment.check(); err != nil {
		return err
	}
	n := len(m.holders)
	if m.generation < 1 || n < component.MinParts || m.threshold < component.MinParts || m.threshold > n {
		return fault.New(fault.Malformed, "generation %d with %d of %d officers cannot be", m.generation, m.threshold, n)
	}
	return nil
}

func readHolder(r *reader, i int, before []holder) holder {
	var h holder
	h.id = r.field(numbered(labelOfficer, i))
	if r.err == nil && !isName(h.id) {
		r.bad(labelOfficer)
	}
	r.hex(numbered(labelFingerprint, i), h.fingerprint[:])
	same := func(o holder) bool { return o.fingerprint == h.fingerprint || o.id == h.id }
	if r.err == nil && slices.ContainsFunc(before, same) {
		r.fail(fault.New(fault.Malformed, "officer %s stands there twice", h.id))
	}
	r.hex(numbered(labelCommitment, i), h.commitment[:])
	return h
}

func readShare(r *reader, i int) []byte {
	share, err := base64.StdEncoding.DecodeString(r.field(numbered(labelShare, i)))
	if r.err == nil && (err != nil || len(share) > maxShareBytes) {
		r.bad(numbered(labelShare, i))
	}
	return share
}

func checkText(v kcv.Value) string { return v.Digits + " " + string(v.Method) }

// readCheck reads a check value as it stands in documents: 08D7B4 cmac.
func readCheck(r *reader) kcv.Value {
	s := r.field(labelKeyCheck)
	if r.err != nil {
		return kcv.Value{}
	}
	digits, method, _ := strings.Cut(s, " ")
	v := kcv.Value{Method: kcv.Method(method), Digits: digits}
	r.check(func() error { return checkValue(v) })
	return v
}

// checkValue takes 4 to 16 digits with a method: more might be a key in the wrong place.
func checkValue(v kcv.Value) error {
	m, err := kcv.ParseMethod(string(v.Method))
	if err != nil {
		return err
	}
	if m != v.Method || len(v.Digits) < 4 || len(v.Digits) > 16 || strings.Trim(v.Digits, "0123456789ABCDEF") != "" {
		return fault.New(fault.Usage, "a check value has 4 to 16 hex digits and a method, as in 08D7B4 cmac")
	}
	return nil
}

// checkStore takes an id of 8 to 64 letters, digits and dashes.
func checkStore(id string) error {
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' {
			id = ""
		}
	}
	if len(id) < 8 || len(id) > 64 {
		return fault.New(fault.Usage, "the id of a store has 8 to 64 letters, digits and dashes, not %q", text.Redact(id))
	}
	return nil
}

// find gives the place of an officer's share.
func (m *SealedMaster) find(f Fingerprint) (int, bool) {
	i := slices.IndexFunc(m.holders, func(h holder) bool { return h.fingerprint == f })
	return i, i >= 0
}

func checkMaster(master *keys.Key) error {
	if master == nil || master.Algorithm() != keys.AES256 || master.Len() != keys.AES256.KeyLen() {
		return fault.New(fault.Usage, "a master key is an %s key", keys.AES256)
	}
	return nil
}
