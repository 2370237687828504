// Package source reads SRC and writes DEST: the one syntax for every key that goes into a command or out of it.
//
//	SRC    prompt        typed at the terminal, hidden; the default there
//	       file:PATH     bare hex or a component sheet; refused when others than the owner can read it
//	       fd:N          an open descriptor
//	       -             stdin, once per run
//	       env:NAME      an environment variable
//	       block:PATH    a key block, opened with --kbpk
//	       hex:DIGITS    on the command line; refused unless --allow-argv-secrets, since the process list shows it
//	       store:LABEL   a key of the store; store:LABEL#2 names a version. Nothing is read: the key stays in the boundary
//	       hsm:LABEL     a key object of a token; no command takes one yet: keys of a token are used through a store on it
//	DEST   block:PATH    a key block under --kbpk
//	       store:LABEL   a new key of the store
//	       file:PATH     clear hex in a new file, 0600; needs --reveal
//
// What is read is bounded: a key is small, and a wrong path may lead to anything.
package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"poskey/internal/console"
	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Kind is the word before the colon.
type Kind string

// The kinds of SRC and DEST.
const (
	Prompt Kind = "prompt"
	File   Kind = "file"
	FD     Kind = "fd"
	Stdin  Kind = "-"
	Env    Kind = "env"
	Block  Kind = "block"
	Hex    Kind = "hex"
	Store  Kind = "store"
	Token  Kind = "hsm"
)

// Spec is a SRC or DEST taken apart.
type Spec struct {
	Kind Kind
	Arg  string
}

// ParseSRC takes a SRC apart. The text itself may be a secret (hex:), so errors do not repeat it.
func ParseSRC(s string) (Spec, error) {
	switch s {
	case "prompt":
		return Spec{Kind: Prompt}, nil
	case "-":
		return Spec{Kind: Stdin}, nil
	}
	kind, arg, ok := strings.Cut(s, ":")
	if ok && arg != "" {
		switch k := Kind(kind); k {
		case File, FD, Env, Block, Hex, Store, Token:
			return Spec{k, arg}, nil
		}
	}
	return Spec{}, fault.New(fault.Usage, "a key source is prompt, -, file:PATH, fd:N, env:NAME, block:PATH, store:LABEL or hex:DIGITS (see: poskey help secrets)")
}

// Held tells a source whose key is in a boundary already: there is nothing to read, and the label says which one it is.
func Held(src string) (Spec, bool) {
	spec, err := ParseSRC(src)
	return spec, err == nil && spec.held()
}

func (s Spec) held() bool { return s.Kind == Store || s.Kind == Token }

// Material is what a SRC gave: key bytes, a component sheet, or a key block.
type Material struct {
	Secret *secret.Bytes
	Part   *component.Part
	Block  *keyblock.Block
	Where  string // for errors: the kind and, for files, the path; never the content
	Lower  bool   // the block came in lower case
	Odd    int    // hex digits typed, when they are odd in number: Secret has a zero at its end
}

// Clone makes an independent copy.
func (m *Material) Clone() Material {
	out := *m
	if m.Secret != nil {
		out.Secret = m.Secret.Clone()
	}
	if m.Part != nil {
		part := *m.Part
		part.Value = m.Part.Value.Clone()
		out.Part = &part
	}
	return out
}

// Wipe destroys what was read.
func (m *Material) Wipe() {
	m.Secret.Wipe()
	if m.Part != nil {
		m.Part.Wipe()
	}
}

// Reader reads SRC for one run of a command.
type Reader struct {
	Console   *console.Console
	Stdin     io.Reader
	Getenv    func(string) string
	Say       *i18n.Printer
	AllowArgv bool
	usedStdin bool
}

// MaxBlockFile bounds a key block's file.
const MaxBlockFile = keyblock.MaxInput

// Read reads one secret. what names it in the prompt and in errors: "the key", "part 2".
func (r *Reader) Read(ctx context.Context, src string, what text.Text) (Material, error) {
	spec, err := r.spec(src, what)
	if err != nil {
		return Material{}, err
	}
	return r.readSpec(ctx, spec, what)
}

// ReadTyped is Read for a diagnosis: an odd number of hex digits is told, not refused.
func (r *Reader) ReadTyped(ctx context.Context, src string, what text.Text) (Material, error) {
	spec, err := r.spec(src, what)
	if err != nil {
		return Material{}, err
	}
	return r.readSpecAs(ctx, spec, what, interpretTyped)
}

// spec takes a SRC of the command line apart and holds hex: against the rule.
func (r *Reader) spec(src string, what text.Text) (Spec, error) {
	spec, err := ParseSRC(src)
	if err != nil {
		return Spec{}, fault.Wrap(err, "%s", what)
	}
	if spec.Kind == Hex && !r.AllowArgv {
		return Spec{}, fault.New(fault.ArgvSecret, "%s: hex: puts the key on the command line, where every user of this machine can read it", what)
	}
	return spec, nil
}

// TakeStdin gives stdin to one reader; whoever comes second is told.
func (r *Reader) TakeStdin() (io.Reader, error) {
	if r.usedStdin {
		return nil, fault.New(fault.Usage, "stdin was read already; it can be read once a run")
	}
	r.usedStdin = true
	return r.Stdin, nil
}

// ReadBatch reads a secret named in a line of a batch, where hex: is no argument of a process. Sources that a person or
// a stream gives once have no place there.
func (r *Reader) ReadBatch(ctx context.Context, src string, what text.Text) (Material, error) {
	spec, err := ParseSRC(src)
	if err != nil {
		return Material{}, fault.Wrap(err, "%s", what)
	}
	if spec.Kind == Prompt || spec.Kind == Stdin || spec.Kind == FD {
		return Material{}, fault.New(fault.Usage, "%s: %s cannot be a source in a line of a batch", what, string(spec.Kind))
	}
	return r.readSpec(ctx, spec, what)
}

// ReadPart reads a component: a sheet, a Shamir share in one line, or bare hex, which needs the algorithm.
func (r *Reader) ReadPart(ctx context.Context, src string, what text.Text, alg keys.Algorithm) (*component.Part, error) {
	spec, err := r.spec(src, what)
	if err != nil {
		return nil, err
	}
	if spec.Kind == Block {
		return nil, fault.New(fault.Usage, "%s: a component cannot come as a key block", what)
	}
	raw, err := r.read(ctx, spec, what)
	if err != nil {
		return nil, fault.Wrap(err, "%s (%s)", what, spec.Where())
	}
	defer raw.Wipe()
	p, err := interpretPart(raw.Expose(), alg)
	return p, fault.Wrap(err, "%s (%s)", what, spec.Where())
}

func interpretPart(raw []byte, alg keys.Algorithm) (*component.Part, error) {
	if component.IsSheet(raw) {
		return component.ParseSheet(raw)
	}
	if alg == "" {
		return nil, fault.New(fault.Usage, "bare hex: say which algorithm the key is for with --alg")
	}
	if bytes.IndexByte(raw, '/') >= 0 {
		return component.ParseShare(alg, raw)
	}
	sec, err := keys.ParseHex(raw)
	if err != nil {
		return nil, err
	}
	return component.Bare(alg, sec)
}

// Where names a source in errors, without what it holds.
func (s Spec) Where() string {
	if s.Kind == File || s.Kind == Block || s.Kind == Env || s.Kind == FD {
		return string(s.Kind) + ":" + text.Redact(s.Arg)
	}
	if s.held() {
		return string(s.Kind) + ":" + text.Redact(strings.Map(printable, s.Arg))
	}
	return string(s.Kind)
}

// printable keeps what a label may hold from drawing on a terminal.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// readSpec reads a secret from where spec says.
func (r *Reader) readSpec(ctx context.Context, spec Spec, what text.Text) (Material, error) {
	return r.readSpecAs(ctx, spec, what, interpret)
}

func (r *Reader) readSpecAs(
	ctx context.Context, spec Spec, what text.Text, interpret func(Kind, []byte) (Material, error),
) (Material, error) {
	if spec.Kind == Hex { // it is in a string already, where nobody can wipe it; locked memory for a copy would only cost time
		raw := []byte(spec.Arg)
		defer clear(raw)
		return spec.material(raw, what, interpret)
	}
	raw, err := r.read(ctx, spec, what)
	if err != nil {
		return Material{}, fault.Wrap(err, "%s (%s)", what, spec.Where())
	}
	defer raw.Wipe()
	return spec.material(raw.Expose(), what, interpret)
}

// material makes what was read into what it is.
func (s Spec) material(raw []byte, what text.Text, interpret func(Kind, []byte) (Material, error)) (Material, error) {
	m, err := interpret(s.Kind, raw)
	where := s.Where()
	if err != nil {
		return Material{}, fault.Wrap(err, "%s (%s)", what, where)
	}
	m.Where = where
	return m, nil
}

func (r *Reader) read(ctx context.Context, spec Spec, what text.Text) (*secret.Bytes, error) {
	switch spec.Kind {
	case Prompt:
		return r.Console.Secret(ctx, r.Say.T("%s (hidden): ", what))
	case Stdin:
		in, err := r.TakeStdin()
		if err != nil {
			return nil, err
		}
		return readAll(in)
	case FD:
		return readFD(ctx, spec.Arg)
	case Env:
		v := r.Getenv(spec.Arg)
		if v == "" {
			return nil, fault.New(fault.NotFound, "environment variable %s is not set", text.Redact(spec.Arg))
		}
		return secret.Copy([]byte(v)), nil
	case File:
		return readFile(ctx, spec.Arg, true)
	case Block:
		return readFile(ctx, spec.Arg, false)
	case Hex:
		return secret.Copy([]byte(spec.Arg)), nil
	case Store, Token:
		return nil, fault.New(fault.Usage, "a key that is in a store or a token cannot be taken here: it is used where it is")
	}
	return nil, fault.New(fault.Usage, "unknown kind of source")
}

func interpret(kind Kind, raw []byte) (Material, error) {
	if kind == Block {
		return interpretBlock(string(raw))
	}
	if component.IsSheet(raw) {
		part, err := component.ParseSheet(raw)
		return Material{Part: part}, err
	}
	sec, err := keys.ParseHex(raw)
	return Material{Secret: sec}, err
}

func interpretTyped(kind Kind, raw []byte) (Material, error) {
	if kind == Block || component.IsSheet(raw) {
		return interpret(kind, raw)
	}
	sec, digits, err := keys.ParseTyped(raw)
	m := Material{Secret: sec}
	if digits%2 != 0 {
		m.Odd = digits
	}
	return m, err
}

func interpretBlock(raw string) (Material, error) {
	clean, lower, err := keyblock.Clean(raw)
	if err != nil {
		return Material{}, err
	}
	b, err := keyblock.Parse(clean)
	return Material{Block: b, Lower: lower}, err
}

func readFD(ctx context.Context, arg string) (*secret.Bytes, error) {
	f, err := openFD(arg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readAll(Abortable(ctx, f))
}

func readFile(ctx context.Context, path string, private bool) (*secret.Bytes, error) {
	open := Open
	if private {
		open = openPrivate
	}
	f, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readAll(Abortable(ctx, f))
}

// openPrivate opens a file that only its owner can read.
func openPrivate(ctx context.Context, path string) (*os.File, error) {
	f, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !Exposed(info) {
		return f, nil
	}
	_ = f.Close()
	if err != nil {
		return nil, OpenError(err, path)
	}
	return nil, fault.New(fault.FileExposed, "others than its owner can read the file (mode %04o); chmod 600 it, and treat what is in it as seen", info.Mode().Perm())
}

// Open opens a file for reading; what cannot be one is told apart: missing, forbidden, a folder. Opening a pipe that
// nobody writes to blocks until ctx ends.
func Open(ctx context.Context, path string) (*os.File, error) {
	f, err := openFile(ctx, path)
	if err != nil {
		return nil, OpenError(err, path)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, fault.New(fault.Usage, "%s is a folder", text.Redact(path))
	}
	return f, nil
}

func openFile(ctx context.Context, path string) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := os.Open(path)
		done <- result{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case got := <-done:
		return got.f, got.err
	}
}

// OpenError says what became of a file that was to be opened, or looked at.
func OpenError(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fault.New(fault.NotFound, "file %s does not exist", text.Redact(path))
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.NotPermitted, "file %s may not be read", text.Redact(path))
	}
	return fault.WrapAs(fault.Failure, err, "open the file")
}

// readAll reads at most what a key can need, straight into locked memory.
func readAll(r io.Reader) (*secret.Bytes, error) {
	buf := secret.New(MaxBlockFile + 1)
	defer buf.Wipe()
	b := buf.Expose()
	n, err := io.ReadFull(r, b)
	switch {
	case err == nil:
		return nil, fault.New(fault.TooLarge, "more than %d bytes; that is no key", MaxBlockFile)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fault.WrapAs(fault.Failure, err, "read")
	case n == 0:
		return nil, fault.New(fault.MalformedLength, "nothing there: the input is empty")
	}
	return secret.Copy(b[:n]), nil
}
