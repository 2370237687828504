package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

const (
	keyHex  = "F2EAD8A31C5B7F0E45D3B96417CA8E20" // a TEST key that no list has
	goodTR  = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34"
	warning = "F2EAD8A31C5B7F0E45D3B96417CA8E2O" // the letter O at the end
)

func what() text.Text { return text.New("the key") }

func noLeaks(t *testing.T) {
	t.Helper()
	before := secret.Live()
	t.Cleanup(func() {
		if got := secret.Live(); got != before {
			t.Errorf("%d secrets live, %d before the test", got, before)
		}
	})
}

// reader is a Reader whose world is empty: no terminal, no input, no environment.
func reader() *Reader {
	return &Reader{
		Console: &console.Console{NoInput: true}, Stdin: strings.NewReader(""),
		Getenv: func(string) string { return "" }, Say: i18n.New(i18n.English),
	}
}

func write(t *testing.T, mode os.FileMode, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
	return path
}

// mustRead reads and holds the secret against hex digits.
func mustRead(t *testing.T, r *Reader, src, want string) {
	t.Helper()
	m, err := r.Read(context.Background(), src, what())
	if err != nil {
		t.Errorf("%.20s: %v", src, err)
		return
	}
	defer m.Wipe()
	if m.Secret == nil || testvec.Upper(m.Secret.Expose()) != want {
		t.Errorf("%.20s: another key was read", src)
	}
}

// mustRefuse reads and asks for a kind of error that shows no digit of the key.
func mustRefuse(t *testing.T, r *Reader, src string, kind fault.Kind) error {
	t.Helper()
	m, err := r.Read(context.Background(), src, what())
	if m != (Material{}) || !fault.Is(err, kind) {
		t.Errorf("%.20s: got %v, %v of kind %s, want %s", src, m, err, fault.KindOf(err), kind)
	}
	if err != nil {
		shows(t, err)
	}
	return err
}

func shows(t *testing.T, err error) {
	t.Helper()
	all := fmt.Sprintf("%v %+v", err, i18n.New(i18n.Chinese).Error(err))
	random := regexp.MustCompile(regexp.QuoteMeta(os.TempDir()) + "/[^/]*") // the digits of its name may be the key's
	all = strings.ToUpper(random.ReplaceAllString(all, ""))
	for at := 0; at+4 <= len(keyHex); at++ {
		if strings.Contains(all, keyHex[at:at+4]) {
			t.Errorf("the error shows the key: %v", err)
			return
		}
	}
}

func TestSourcesAreTakenApart(t *testing.T) {
	for in, want := range map[string]Spec{
		"prompt": {Kind: Prompt}, "-": {Kind: Stdin}, "file:a/b": {File, "a/b"}, "file:a:b": {File, "a:b"}, "fd:3": {FD, "3"},
		"env:K": {Env, "K"}, "block:x": {Block, "x"}, "hex:00": {Hex, "00"}, "hex:0 0": {Hex, "0 0"},
		"store:ZMK#2": {Store, "ZMK#2"}, "hsm:a b": {Token, "a b"},
	} {
		if got, err := ParseSRC(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", ":", "file:", "fd:", "env:", "block:", "hex:", "prompt:", "prompt:x", "-:x", "--", "FILE:x", "File:x", " file:x",
		"HEX:" + keyHex, "hex" + keyHex, keyHex, "hex " + keyHex, "store:", "hsm:", "https://x",
	} {
		got, err := ParseSRC(in)
		if got != (Spec{}) || !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %+v, %v", in, got, err)
			continue
		}
		shows(t, err)
	}
}

func TestHeldKeysAreNamedAndNeverRead(t *testing.T) {
	noLeaks(t)
	if spec, ok := Held("store:ZMK-2026"); !ok || spec != (Spec{Store, "ZMK-2026"}) {
		t.Errorf("%+v, %t", spec, ok)
	}
	if _, ok := Held("file:ZMK-2026"); ok {
		t.Error("a file is no held key")
	}
	for _, src := range []string{"store:ZMK-2026", "hsm:master"} {
		mustRefuse(t, reader(), src, fault.Usage)
	}
}

func TestDestinationsAreTakenApart(t *testing.T) {
	for in, want := range map[string]Spec{"block:x": {Block, "x"}, "file:a:b": {File, "a:b"}, "store:x": {Store, "x"}} {
		if got, err := ParseDEST(in); err != nil || got != want {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "block:", "file:", "-", "prompt", "fd:1", "env:K", "hex:" + keyHex, "HEX:" + keyHex, "store:", "hsm:x", "x"} {
		got, err := ParseDEST(in)
		if got != (Spec{}) || !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %+v, %v", in, got, err)
			continue
		}
		shows(t, err)
	}
}

func TestHexOnTheCommandLineNeedsItsFlag(t *testing.T) {
	noLeaks(t)
	r := reader()
	mustRefuse(t, r, "hex:"+keyHex, fault.ArgvSecret)
	if p, err := r.ReadPart(context.Background(), "hex:"+keyHex, what(), keys.TDES128); p != nil || !fault.Is(err, fault.ArgvSecret) {
		t.Errorf("a part: %v", err)
	}
	r.AllowArgv = true
	mustRead(t, r, "hex:"+keyHex, keyHex)
	mustRead(t, r, "hex:"+strings.ToLower(keyHex[:16])+" "+keyHex[16:], keyHex)
	p, err := r.ReadPart(context.Background(), "hex:"+keyHex, what(), keys.TDES128)
	if err != nil {
		t.Fatal(err)
	}
	p.Wipe()
}

func TestBatchLinesTakeHexAndNothingThatAPersonGivesOnce(t *testing.T) {
	noLeaks(t)
	r := reader()
	m, err := r.ReadBatch(context.Background(), "hex:"+keyHex, what())
	if err != nil || testvec.Upper(m.Secret.Expose()) != keyHex {
		t.Errorf("hex: %v", err)
	}
	m.Wipe()
	for _, src := range []string{"prompt", "-", "fd:0"} {
		if m, err := r.ReadBatch(context.Background(), src, what()); m != (Material{}) || !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", src, err)
		}
	}
	if _, err := r.ReadBatch(context.Background(), "nonsense", what()); !fault.Is(err, fault.Usage) {
		t.Errorf("nonsense: %v", err)
	}
}

// TestBadHexIsNamedWithoutItsDigits: whatever it came through.
func TestBadHexIsNamedWithoutItsDigits(t *testing.T) {
	noLeaks(t)
	r := reader()
	r.AllowArgv = true
	r.Getenv = func(string) string { return warning }
	r.Stdin = strings.NewReader(warning)
	for _, src := range []string{"hex:" + warning, "env:K", "-", "file:" + write(t, 0o600, warning)} {
		err := mustRefuse(t, r, src, fault.MalformedHex)
		if err != nil && (!strings.Contains(err.Error(), "digit 32") || !strings.HasPrefix(err.Error(), "the key (")) {
			t.Errorf("%.10s: %v does not name digit and source", src, err)
		}
	}
	mustRefuse(t, r, "hex:"+keyHex[1:], fault.MalformedLength)
	mustRefuse(t, r, "block:"+write(t, 0o600, keyHex), fault.VersionUnsupported) // a key in place of a block
	mustRefuse(t, r, "block:"+write(t, 0o600, "B"+keyHex), fault.LengthMalformed)
	mustRefuse(t, r, "block:"+write(t, 0o600, "B0"+"123"+keyHex[:28]), fault.LengthMismatch)
}

func TestStdinIsReadOnce(t *testing.T) {
	noLeaks(t)
	r := reader()
	r.Stdin = strings.NewReader(keyHex + "\n" + keyHex)
	m, err := r.Read(context.Background(), "-", what())
	if err != nil || m.Secret.Len() != 32 {
		t.Errorf("all of stdin is one key: %v", err)
	}
	m.Wipe()
	mustRefuse(t, r, "-", fault.Usage)
	if in, err := r.TakeStdin(); in != nil || !fault.Is(err, fault.Usage) {
		t.Errorf("taken twice: %v", err)
	}
	r = reader()
	if in, err := r.TakeStdin(); in == nil || err != nil {
		t.Errorf("taken once: %v", err)
	}
	mustRefuse(t, r, "-", fault.Usage)
}

func TestEmptyInputIsNoKey(t *testing.T) {
	noLeaks(t)
	mustRefuse(t, reader(), "-", fault.MalformedLength)
	mustRefuse(t, reader(), "file:"+write(t, 0o600, ""), fault.MalformedLength)
	mustRefuse(t, reader(), "file:"+write(t, 0o600, " \n"), fault.MalformedLength)
	mustRefuse(t, reader(), "env:NOT_SET", fault.NotFound)
}

func TestEnvironmentGivesAKey(t *testing.T) {
	noLeaks(t)
	r := reader()
	r.Getenv = func(name string) string { return map[string]string{"KEY": keyHex}[name] }
	mustRead(t, r, "env:KEY", keyHex)
	if err := mustRefuse(t, r, "env:OTHER", fault.NotFound); err != nil && !strings.Contains(err.Error(), "OTHER") {
		t.Errorf("the variable is not named: %v", err)
	}
}

func TestPromptWithoutAPersonSaysSo(t *testing.T) {
	noLeaks(t)
	mustRefuse(t, reader(), "prompt", fault.InputNeeded)
}

func TestMissingFilesAndFoldersAreTold(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	file := write(t, 0o600, keyHex)
	for _, kind := range []string{"file:", "block:"} {
		mustRefuse(t, reader(), kind+filepath.Join(dir, "none"), fault.NotFound)
		mustRefuse(t, reader(), kind+filepath.Join(dir, "none", "none"), fault.NotFound)
		mustRefuse(t, reader(), kind+filepath.Join(file, "below"), fault.NotFound)
		mustRefuse(t, reader(), kind+dir, fault.Usage)
	}
}

// parts cuts a key and writes the sheets.
func parts(t *testing.T, spec component.Spec) (all []*component.Part, sheets []string) {
	t.Helper()
	k, err := keys.New(keys.TDES128, secret.Take(testvec.Hex(t, keyHex)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	all, err = component.Split(keys.Env{Rand: rand.NewChaCha8([32]byte{1})}, k, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { component.WipeAll(all) })
	for _, p := range all {
		var sheet bytes.Buffer
		if err := p.WriteSheet(&sheet); err != nil {
			t.Fatal(err)
		}
		sheets = append(sheets, sheet.String())
	}
	return all, sheets
}

func TestFileMayHoldASheet(t *testing.T) {
	noLeaks(t)
	all, sheets := parts(t, component.Spec{Scheme: component.XOR, Parts: 2})
	path := write(t, 0o400, sheets[1])
	m, err := reader().Read(context.Background(), "file:"+path, what())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Wipe()
	if m.Part == nil || m.Secret != nil || !m.Part.Value.Equal(all[1].Value) || m.Part.Index != 2 || m.Where != "file:"+path {
		t.Errorf("got %+v", m)
	}
	p, err := reader().ReadPart(context.Background(), "file:"+path, what(), "")
	if err != nil || !p.Value.Equal(all[1].Value) {
		t.Errorf("as a part: %v", err)
	}
	p.Wipe()
	clone := m.Clone()
	clone.Part.Value.Expose()[0] ^= 1
	if !m.Part.Value.Equal(all[1].Value) {
		t.Error("the clone shares the part's bytes")
	}
	clone.Wipe()
	damaged := strings.Replace(sheets[1], "row 1 of 2: ", "row 1 of 2: 0", 1)
	mustRefuse(t, reader(), "file:"+write(t, 0o600, damaged), fault.MalformedLength)
}

func TestPartsComeAsSheetShareOrHexWithAnAlgorithm(t *testing.T) {
	noLeaks(t)
	all, _ := parts(t, component.Spec{Scheme: component.Shamir, Parts: 3, Threshold: 2})
	var line bytes.Buffer
	if err := all[2].WriteShare(&line); err != nil {
		t.Fatal(err)
	}
	read := func(content string, alg keys.Algorithm) (*component.Part, error) {
		return reader().ReadPart(context.Background(), "file:"+write(t, 0o600, content), what(), alg)
	}
	p, err := read(line.String(), keys.TDES128)
	if err != nil || !p.Value.Equal(all[2].Value) || p.Scheme != component.Shamir {
		t.Errorf("a share: %v", err)
	}
	p.Wipe()
	p, err = read(keyHex, keys.TDES128)
	if err != nil || testvec.Upper(p.Value.Expose()) != keyHex || p.Scheme != component.XOR {
		t.Errorf("bare hex: %v", err)
	}
	p.Wipe()
	for content, kind := range map[string]fault.Kind{keyHex: fault.Usage, line.String(): fault.Usage} {
		if p, err := read(content, ""); p != nil || !fault.Is(err, kind) {
			t.Errorf("without an algorithm: %v", err)
		}
	}
	if p, err := read(warning, keys.TDES128); p != nil || !fault.Is(err, fault.MalformedHex) {
		t.Errorf("bad hex: %v", err)
	} else {
		shows(t, err)
	}
	if p, err := read(keyHex[:16], keys.TDES128); p != nil || !fault.Is(err, fault.PartRefused) {
		t.Errorf("a half: %v", err)
	}
	if p, err := reader().ReadPart(context.Background(), "block:x", what(), keys.TDES128); p != nil || !fault.Is(err, fault.Usage) {
		t.Errorf("a block: %v", err)
	}
}

func TestBlockIsReadWhoeverMaySeeIt(t *testing.T) {
	noLeaks(t)
	for _, mode := range []os.FileMode{0o644, 0o600} {
		for content, lower := range map[string]bool{goodTR: false, goodTR[:40] + "\r\n " + goodTR[40:] + "\n": false, strings.ToLower(goodTR): true} {
			m, err := reader().Read(context.Background(), "block:"+write(t, mode, content), what())
			if err != nil {
				t.Fatal(err)
			}
			if m.Block == nil || m.Block.Marshal() != goodTR || m.Lower != lower || m.Secret != nil {
				t.Errorf("got %+v", m)
			}
			m.Wipe()
		}
	}
	mustRefuse(t, reader(), "block:"+write(t, 0o644, goodTR[:100]), fault.LengthMismatch)
}

// endless gives digits for ever and counts them.
type endless struct{ given int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '7'
	}
	e.given += len(p)
	return len(p), nil
}

func TestNoSourceIsReadFurtherThanAKeyCanReach(t *testing.T) {
	noLeaks(t)
	stream := &endless{}
	r := reader()
	r.Stdin = stream
	mustRefuse(t, r, "-", fault.TooLarge)
	if stream.given > MaxBlockFile+1 {
		t.Errorf("%d bytes of an endless stream were read", stream.given)
	}
	for _, size := range []int64{MaxBlockFile + 1, 100 << 20, 64 << 30} { // nobody could read the last one to its end
		path := write(t, 0o600, "")
		if err := os.Truncate(path, size); err != nil { // a file of holes takes no room
			t.Fatal(err)
		}
		mustRefuse(t, reader(), "file:"+path, fault.TooLarge)
		mustRefuse(t, reader(), "block:"+path, fault.TooLarge)
	}
	mustRead(t, reader(), "file:"+write(t, 0o600, keyHex+strings.Repeat(" ", MaxBlockFile-len(keyHex))), keyHex)
	if MaxBlockFile != keyblock.MaxInput || MaxBlockFile < keys.MaxHexInput {
		t.Error("the longest key or block does not fit")
	}
}

func TestBrokenStreamGivesNothing(t *testing.T) {
	noLeaks(t)
	r := reader()
	r.Stdin = io.MultiReader(strings.NewReader(keyHex), failing{})
	mustRefuse(t, r, "-", fault.Failure)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestAStreamGivesItsInputAndKeepsNothingOfIt: also one that was abortable before, and through buffers of any size.
func TestAStreamGivesItsInputAndKeepsNothingOfIt(t *testing.T) {
	noLeaks(t)
	want := strings.Repeat(keyHex+"\n", 5_000)
	for _, size := range []int{1, 7, 1 << 20} {
		s := Stream(t.Context(), Abortable(t.Context(), strings.NewReader(want))).(*stream)
		var got bytes.Buffer
		buf := make([]byte, size)
		for {
			n, err := s.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if got.String() != want {
			t.Errorf("%d: %d bytes came, want %d", size, got.Len(), len(want))
		}
		if left := bytes.Trim(s.own, "\x00"); len(left) > 0 {
			t.Errorf("%d: it keeps %q", size, left)
		}
	}
}

// heralded tells that it is being read.
type heralded struct {
	io.Reader
	begun chan struct{}
	once  sync.Once
}

func (h *heralded) Read(p []byte) (int, error) {
	h.once.Do(func() { close(h.begun) })
	return h.Reader.Read(p)
}

// TestAStreamThatNobodyWritesToEndsWithItsContext: the read goes on behind, into memory that nobody uses any more.
func TestAStreamThatNobodyWritesToEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	r, w := io.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	begun := make(chan struct{})
	s := Stream(ctx, &heralded{Reader: r, begun: begun})
	go func() {
		<-begun // a context that has ended before the read would leave nobody to take what is written below
		cancel(fault.New(fault.Interrupted, "interrupted"))
	}()
	buf := make([]byte, 100)
	for range 2 {
		if n, err := s.Read(buf); n != 0 || !fault.Is(err, fault.Interrupted) {
			t.Errorf("got %d bytes, %v", n, err)
		}
	}
	if _, err := io.WriteString(w, keyHex); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(buf, make([]byte, 100)) {
		t.Errorf("the read that was given up wrote %q", buf)
	}
}
