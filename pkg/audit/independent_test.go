package audit

// A verifier by somebody who has read the package documentation and nothing else: it uses none of this package.

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

type foreign struct {
	Seq     uint64                                       `json:"seq"`
	Time    time.Time                                    `json:"time"`
	Back    int64                                        `json:"back_us"`
	Log     *struct{ Format, Store, Environment string } `json:"log"`
	Op      string                                       `json:"op"`
	Of      uint64                                       `json:"of"`
	Outcome *struct{ Result, Fault string }              `json:"outcome"`
	Open    uint64                                       `json:"open"`
	Prev    string                                       `json:"prev"`
	Hash    string                                       `json:"hash"`
}

func independent(log []byte) error {
	above, open := foreign{Hash: strings.Repeat("0", 64)}, map[uint64]string{}
	for len(log) > 0 {
		line, rest, whole := bytes.Cut(log, []byte("\n"))
		if !whole || len(line) < 75 {
			return fmt.Errorf("the line after record %d is not whole", above.Seq)
		}
		log = rest
		sum := sha256.Sum256(append([]byte("poskey.audit/v1/record\n"), line[:len(line)-75]...))
		var r foreign
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if end := fmt.Sprintf(`,"hash":"%X"}`, sum); string(line[len(line)-75:]) != end || r.Prev != above.Hash {
			return fmt.Errorf("record %d was changed", r.Seq)
		}
		if r.Seq != above.Seq+1 || (r.Seq == 1) != (r.Log != nil) || r.Log != nil && r.Log.Format != "poskey.audit/v1" {
			return fmt.Errorf("record %d is in the wrong place", r.Seq)
		}
		if back := above.Time.Sub(r.Time).Microseconds(); r.Seq > 1 && r.Back != max(0, back) {
			return fmt.Errorf("record %d hides that the clock went back", r.Seq)
		}
		if op, known := open[r.Of]; r.Of != 0 && (!known || op != r.Op) {
			return fmt.Errorf("record %d has no intent", r.Seq)
		}
		if delete(open, r.Of); r.Outcome == nil {
			open[r.Seq] = r.Op
		}
		first := uint64(0)
		for seq := range open {
			if first == 0 || seq < first {
				first = seq
			}
		}
		if r.Open != first {
			return fmt.Errorf("record %d miscounts what is open", r.Seq)
		}
		above = r
	}
	if above.Seq == 0 {
		return fmt.Errorf("nothing is here")
	}
	return nil
}
