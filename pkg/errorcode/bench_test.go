package errorcode

import "testing"

// BenchmarkOpenAndLook is what one command does: read the dictionary and ask it.
func BenchmarkOpenAndLook(b *testing.B) {
	for _, asked := range []string{"14", "65223", "POS机显示密钥错误14", "KEY_LEN", "key length wrong"} {
		b.Run(asked, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := Open()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := d.Look(Query{Text: asked}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFind reads one line of a log.
func BenchmarkFind(b *testing.B) {
	d := open(b)
	line := "2024-05-14 10:30:14.314 INFO inject slot=14 kcv=8D0A74 failed, ret=-314 (PED_RET_ERR_KEY_LEN_ERR), tid 10000014"
	b.ReportAllocs()
	for b.Loop() {
		if len(d.Find(line)) == 0 {
			b.Fatal("nothing was found")
		}
	}
}
