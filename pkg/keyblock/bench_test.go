package keyblock

import (
	"crypto/rand"
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// benchCase is a block to open and close again and again: TEST keys of published vectors.
type benchCase struct {
	name, kbpk, block string
	kbpkAlg           keys.Algorithm
	key               keys.Algorithm
	blocks            int // cipher blocks of CMAC and payload, each
}

func benchCases() []benchCase {
	return []benchCase{
		{"D-256", "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
			"D0144D0AN00N0000", keys.AES256, keys.AES256, 7},
		{"B", "DD7515F2BFC17F85CE48F3CA25CB21F6", "B0096P0TE00E0000", keys.TDES128, keys.TDES128, 10},
	}
}

func benchSetup(b *testing.B, c benchCase) (*Protector, Header, *keys.Key, *Block) {
	b.Helper()
	kbpk, err := keys.New(c.kbpkAlg, secret.Take(testvec.Hex(b, c.kbpk)))
	if err != nil {
		b.Fatal(err)
	}
	p, err := NewProtector(c.block[0], kbpk)
	if err != nil {
		b.Fatal(err)
	}
	h, err := BuildHeader(c.block)
	if err != nil {
		b.Fatal(err)
	}
	key, err := keys.Generate(rand.Reader, c.key)
	if err != nil {
		b.Fatal(err)
	}
	text, _, err := p.Wrap(rand.Reader, h, key, WrapOptions{PadTo: ObfuscatedLen(c.key)})
	if err != nil {
		b.Fatal(err)
	}
	block, err := Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	return p, h, key, block
}

func BenchmarkUnwrap(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			p, _, _, block := benchSetup(b, c)
			text := block.Marshal()
			b.ReportAllocs()
			for b.Loop() {
				parsed, err := Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				u, err := p.Unwrap(parsed)
				if err != nil {
					b.Fatal(err)
				}
				u.Wipe()
			}
		})
	}
}

func BenchmarkWrap(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			p, h, key, _ := benchSetup(b, c)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.Wrap(rand.Reader, h, key, WrapOptions{PadTo: ObfuscatedLen(c.key)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBareCipher is the floor: the cipher operations of the same block alone, under schedules that are ready.
func BenchmarkBareCipher(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			p, _, _, _ := benchSetup(b, c)
			var x [16]byte
			n := p.enc.BlockSize()
			for b.Loop() {
				for range c.blocks {
					p.enc.Encrypt(x[:n], x[:n])
				}
			}
		})
	}
}
