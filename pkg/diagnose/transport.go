package diagnose

// Transport keys that are published: what came under one of them is open to everybody who has the cryptogram. Both are
// public, so they are tried here, and no boundary is asked. What is opened is exposed already; nothing of it is told but
// verdicts, and it is wiped.

import (
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// published is a transport key that stands in public sources.
type published struct {
	name string // as it is published
	key  string // ASCII
}

// publishedKeys lists them. The first one is that of a key POS by Shenzhen Xinguodu (public source file, sdkped key-POS TMK
// import): single DES, and the same doubled. The second one stands in published examples of a master key's injection
// (365seal.com, svinexta.cn) and is used as it stands there.
func publishedKeys() []published {
	return []published{
		{"68482569", "68482569"},
		{"31 x 16", "1111111111111111"},
	}
}

// publicProber is a prober over a cryptogram and one of the published keys.
type publicProber struct {
	published
	hsm.Prober
	close func() error
}

// overPublished opens a prober for every published key; the caller closes them.
func overPublished(cryptogram []byte) []publicProber {
	var out []publicProber
	for _, k := range publishedKeys() {
		p := hsm.NewSpotProber([]*secret.Bytes{secret.Copy(cryptogram), secret.Copy([]byte(k.key))})
		out = append(out, publicProber{k, p, p.Close})
	}
	return out
}

func closeAll(all []publicProber) {
	for _, p := range all {
		_ = p.close()
	}
}

// alg is the cipher of the published key. A doubled single-length key is the single-length one.
func (p published) alg() keys.Algorithm { return keys.TDES128.ForLength(len(p.key)) }

// openPublished makes the cryptogram ready for the published keys, and for a search that has no other key.
func (s *search) openPublished() {
	if len(s.facts.Wrapped) == 0 {
		return
	}
	s.public = overPublished(s.facts.Wrapped)
	if s.facts.Kind != Unopened {
		return
	}
	s.facts.Prober, s.kek, s.unformed = s.public[0].Prober, s.public[0].alg(), true
}

// underPublished opens the cryptogram with the published keys.
func (s *search) underPublished() []reading {
	if !s.facts.Algorithm.IsDES() || s.size == 0 || len(s.facts.Wrapped)%8 != 0 {
		return nil
	}
	var out []reading
	for _, p := range s.public {
		for _, mode := range []hsm.CryptMode{hsm.ECB, hsm.CBC} {
			if mode == hsm.CBC && len(s.facts.Wrapped) == 8 {
				continue // one block alone is the same in both modes
			}
			e := hsm.Crypt{Of: hsm.Part(0), Key: hsm.Part(1), Algorithm: p.alg(), Mode: mode}
			r := s.opened(CauseFixedTransportKey, e, func(v string) text.Text {
				return text.New("the cryptogram opens under the published transport key %s and gives %s: whoever has the cryptogram has the key",
					p.name, v)
			}, func(e *Evidence) { e.Mode = mode })
			r.by = p.Prober
			out = append(out, r)
		}
	}
	return out
}

// unopened lists what a cryptogram without its key-encrypting key may be.
func (s *search) unopened() []reading {
	return append(s.underPublished(), s.opened(CauseDoubleUnwrap, hsm.Part(0), func(v string) text.Text {
		return text.New(
			"%s is the check value of the cryptogram's own bytes: what one side took for the clear key is the wrapped one, or the reverse",
			v,
		)
	}, nil))
}
