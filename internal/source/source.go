// Package source reads SRC and writes DEST: the one syntax for every key that goes into a command or out of it.
//
//	SRC    prompt        typed at the terminal, hidden; the default there
//	       file:PATH     bare hex or a component sheet; refused when others than the owner can read it
//	       fd:N          an open descriptor
//	       -             stdin, once per run
//	       env:NAME      an environment variable
//	       block:PATH    a key block, opened with --kbpk
//	       hex:DIGITS    on the command line; refused unless --allow-argv-secrets, since the process list shows it
//	DEST   block:PATH    a key block under --kbpk
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
	"strconv"
	"strings"

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
		case File, FD, Env, Block, Hex:
			return Spec{k, arg}, nil
		case "store", "hsm":
			return Spec{}, fault.New(fault.Usage, "sources %s: are not in this version", kind)
		}
	}
	return Spec{}, fault.New(fault.Usage, "a key source is prompt, -, file:PATH, fd:N, env:NAME, block:PATH or hex:DIGITS (see: poskey help secrets)")
}

// Material is what a SRC gave: key bytes, a component sheet, or a key block.
type Material struct {
	Secret *secret.Bytes
	Part   *component.Part
	Block  *keyblock.Block
	Where  string // for errors: the kind and, for files, the path; never the content
	Lower  bool   // the block came in lower case
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
		return nil, fault.Wrap(err, "%s (%s)", what, spec.where())
	}
	defer raw.Wipe()
	p, err := interpretPart(raw.Expose(), alg)
	return p, fault.Wrap(err, "%s (%s)", what, spec.where())
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

// where names a source in errors, without what it holds.
func (s Spec) where() string {
	if s.Kind == File || s.Kind == Block || s.Kind == Env || s.Kind == FD {
		return string(s.Kind) + ":" + s.Arg
	}
	return string(s.Kind)
}

// readSpec reads a secret from where spec says.
func (r *Reader) readSpec(ctx context.Context, spec Spec, what text.Text) (Material, error) {
	where := spec.where()
	raw, err := r.read(ctx, spec, what)
	if err != nil {
		return Material{}, fault.Wrap(err, "%s (%s)", what, where)
	}
	defer raw.Wipe()
	m, err := interpret(spec.Kind, raw.Expose())
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
		if r.usedStdin {
			return nil, fault.New(fault.Usage, "stdin was read already; it can give one secret a run")
		}
		r.usedStdin = true
		return readAll(r.Stdin)
	case FD:
		return readFD(spec.Arg)
	case Env:
		v := r.Getenv(spec.Arg)
		if v == "" {
			return nil, fault.New(fault.NotFound, "environment variable %s is not set", spec.Arg)
		}
		return secret.Copy([]byte(v)), nil
	case File:
		return readFile(spec.Arg, true)
	case Block:
		return readFile(spec.Arg, false)
	case Hex:
		return secret.Copy([]byte(spec.Arg)), nil
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

func interpretBlock(raw string) (Material, error) {
	clean, lower, err := keyblock.Clean(raw)
	if err != nil {
		return Material{}, err
	}
	b, err := keyblock.Parse(clean)
	return Material{Block: b, Lower: lower}, err
}

func readFD(arg string) (*secret.Bytes, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > 1<<20 {
		return nil, fault.New(fault.Usage, "%q is not the number of a descriptor", arg)
	}
	f := os.NewFile(uintptr(n), "fd "+arg)
	if f == nil {
		return nil, fault.New(fault.NotFound, "descriptor %d is not open", n)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Stat(); err != nil {
		return nil, fault.New(fault.NotFound, "descriptor %d is not open", n)
	}
	return readAll(f)
}

func readFile(path string, private bool) (*secret.Bytes, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(err, path)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, openError(err, path)
	}
	if info.IsDir() {
		return nil, fault.New(fault.Usage, "%s is a folder", path)
	}
	if private && exposed(info) {
		return nil, fault.New(fault.FileExposed, "others than its owner can read the file (mode %04o); chmod 600 it, or treat the key as seen", info.Mode().Perm())
	}
	return readAll(f)
}

func openError(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "file %s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.NotPermitted, "file %s may not be read", path)
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
