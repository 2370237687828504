package ceremony

import (
	"testing"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

func TestEveryTemplateIsRehearsedToItsEnd(t *testing.T) {
	templates := script.Templates()
	if len(templates) == 0 {
		t.Fatal("no templates")
	}
	for _, x := range templates {
		t.Run(string(x.Kind), func(t *testing.T) {
			s := newStage(t, template(t, x.Kind), transcript.Rehearsal)
			out, err := s.run(t.Context())
			if err != nil {
				t.Fatalf("step %d: %v\n%s", s.desk.step, err, s.desk.seen.String())
			}
			if out.State != transcript.Closed || out.Steps != len(s.program.Steps) || out.Deviations != 0 {
				t.Errorf("%+v", out)
			}
			v := s.sound("rehearsal")
			if v.State != transcript.Closed || len(v.Missing) != 0 {
				t.Errorf("state %s, missing %v", v.State, v.Missing)
			}
		})
	}
}
