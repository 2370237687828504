//go:build unix

package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// version1 is a backup that version 1 of the schema wrote, of a test store.
func version1(t *testing.T) []byte {
	t.Helper()
	dump, err := os.ReadFile(filepath.Join("testdata", "version1.jsonl"))
	must(t, err)
	return dump
}

func TestStoreOfVersion1IsBroughtUpInAFile(t *testing.T)   { broughtUp(t, file(t)) }
func TestStoreOfVersion1IsBroughtUpOnAServer(t *testing.T) { broughtUp(t, schema(t)) }

func broughtUp(t *testing.T, u store.URL) {
	must(t, store.MakeOld(t.Context(), u, bytes.NewReader(version1(t))))
	o := later()
	o.ReadOnly = true
	_, err := store.Open(t.Context(), u, o)
	wantKind(t, "for reading", err, fault.VersionUnsupported)
	s, err := store.Open(t.Context(), u, later())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	grown(t, s)
}

// TestStoreOfVersion3IsBroughtUpInAFile: what a device answered is kept from version 4 on, and nothing of before is lost.
func TestStoreOfVersion3IsBroughtUpInAFile(t *testing.T)   { answers(t, file(t), store.MakeOld) }
func TestStoreOfVersion3IsBroughtUpOnAServer(t *testing.T) { answers(t, schema(t), store.MakeOld) }

func TestBackupOfVersion3IsRestoredIntoAFile(t *testing.T)   { answers(t, file(t), restore) }
func TestBackupOfVersion3IsRestoredOntoAServer(t *testing.T) { answers(t, schema(t), restore) }

func restore(ctx context.Context, u store.URL, dump io.Reader) error {
	_, err := store.RestoreInto(ctx, u, dump, later())
	return err
}

func answers(t *testing.T, u store.URL, have func(context.Context, store.URL, io.Reader) error) {
	ctx := t.Context()
	dump, err := os.ReadFile(filepath.Join("testdata", "version3.jsonl"))
	must(t, err)
	must(t, have(ctx, u, bytes.NewReader(dump)))
	s, err := store.Open(ctx, u, later())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	old, err := s.Load(ctx, "l2")
	if err != nil || old.State != store.LoadFailed || old.Refusal != (store.Refusal{}) || !strings.Contains(old.Reason, "02?C") {
		t.Errorf("a load of before: %+v, %v", old, err)
	}
	bags := 0
	for _, err := range s.Holdings(ctx, store.HoldingFilter{Bag: "b-1"}) {
		must(t, err)
		bags++
	}
	if bags != 1 {
		t.Errorf("%d holdings of the bag of before", bags)
	}
	_, failed, err := s.ReserveLoads(ctx, store.Change{}, []store.LoadRequest{{ID: "l3", Run: "alone", Serial: "SN3", Slot: "1", Key: old.Key}})
	must(t, errors.Join(append(failed, err)...))
	no := store.Refusal{Dialect: "visa", Answer: "02?A"}
	_, failed, err = s.StepLoads(ctx, store.Change{}, []store.LoadStep{{ID: "l3", To: store.LoadFailed, Reason: "no", Refusal: no}})
	must(t, errors.Join(append(failed, err)...))
	if l, err := s.Load(ctx, "l3"); err != nil || l.Refusal != no {
		t.Errorf("a load of now: %+v, %v", l, err)
	}
	if r, err := s.Verify(ctx, nil); err != nil || len(r.Findings) != 0 || r.Loads != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestBackupOfVersion1IsRestoredIntoAFile(t *testing.T)   { restored(t, file(t)) }
func TestBackupOfVersion1IsRestoredOntoAServer(t *testing.T) { restored(t, schema(t)) }
func TestBackupOfVersion1WithRowsOfVersion2IsNone(t *testing.T) {
	row := []byte(`{"loads":{"id":"x","run":"r","serial":"SN1","slot":"0","key_id":null,"key_set":null,"station":"",` +
		`"clear":0,"state":"failed","check_method":"","check_digits":"","proof":"","reason":"","at":1,"changed":1}}` + "\n")
	dump := bytes.Replace(version1(t), []byte(`{"rows":`), append(row, `{"rows":`...), 1)
	_, err := store.ReadBackup(bytes.NewReader(dump))
	wantKind(t, "a row of a later version", err, fault.Malformed)
}

func restored(t *testing.T, u store.URL) {
	dump := version1(t)
	read, err := store.ReadBackup(bytes.NewReader(dump))
	if err != nil || read.Store != "first" || read.Mark.Seq != 7 || read.Rows["keys"] != 3 {
		t.Errorf("%+v, %v", read, err)
	}
	_, err = store.RestoreInto(t.Context(), u, bytes.NewReader(dump), later())
	must(t, err)
	s, err := store.Open(t.Context(), u, later())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	grown(t, s)
}

func later() store.Options {
	return store.Options{Now: func() time.Time { return storetest.Birth().Add(2 * time.Hour) }}
}

// grown: what version 1 left is there, and what is new works with it.
func grown(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	r, err := s.Verify(ctx, nil)
	if err != nil || len(r.Findings) != 0 || r.Keys != 3 || r.Devices != 3 || r.Allocations != 3 || r.Loads != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = s.Allocate(ctx, store.Change{}, store.AllocateRequest{KeySet: "OLD", RequestID: "o2", Serial: "SN2"})
	wantKind(t, "a number of a key that was compromised before", err, fault.NotPermitted)
	a, err := s.Allocate(ctx, store.Change{}, store.AllocateRequest{KeySet: "T", RequestID: "r3", Serial: "SN3"})
	if err != nil || a.Number != 22 {
		t.Errorf("the next number: %+v, %v", a, err)
	}
	must(t, s.Burn(ctx, store.Change{}, "r3"))
	load := store.LoadRequest{ID: "l1", Run: "run", Serial: "SN3", Slot: "90", KeySet: "T", Lease: "OUT", Station: "line-1"}
	fresh := load
	fresh.ID, fresh.Lease = "l2", ""
	loads, failed, err := s.ReserveLoads(ctx, store.Change{}, []store.LoadRequest{load, fresh})
	must(t, err)
	wantKind(t, "a number of a lease that its station hands out itself", failed[0], fault.EndOfLife)
	if failed[1] != nil || loads[1].Number != 23 || loads[1].Key != (store.Ref{Label: "BDK", Version: 1}) {
		t.Errorf("%+v, %v", loads[1], failed[1])
	}
	must(t, s.ReturnLease(ctx, store.Change{}, "OUT",
		[]store.LeaseUse{{Number: 12, RequestID: "s-2", Serial: "SN9", State: store.Injected}}, 13))
	var dump bytes.Buffer
	sum, err := s.Backup(ctx, &dump)
	if err != nil || sum.Rows["loads"] != 1 || !bytes.HasPrefix(dump.Bytes(), fmt.Append(nil, `{"format":"poskey.store/v1","schema":4,`)) {
		t.Errorf("%+v, %v", sum, err)
	}
	if r, err = s.Verify(ctx, nil); err != nil || len(r.Findings) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
