package cli

import (
	"runtime/debug"
	"testing"
)

func TestAVersionIsATagOrComesBeforeTheNextOne(t *testing.T) {
	const commit = "2026-11-23T03:26:14Z"
	for _, c := range []struct {
		module, time string
		modified     bool
		want         string
	}{
		{"v1.2.3", commit, false, "1.2.3"},
		{"v1.2.3-rc.1", commit, false, "1.2.3-rc.1"},
		{"v1.2.3+dirty", commit, true, "1.2.3+dirty"},
		{"v0.0.0-20261123032614-1f290202d08e", commit, false, upcoming + "-dev.20261123032614"},
		{"v1.2.4-0.20261123032614-1f290202d08e+dirty", commit, true, upcoming + "-dev.20261123032614+dirty"},
		{"(devel)", commit, false, upcoming + "-dev.20261123032614"}, // a build that was told nothing of tags
		{"(devel)", "", false, upcoming + "-dev"},
		{"", "", false, upcoming + "-dev"},
	} {
		if got := versionName(c.module, c.time, c.modified); got != c.want {
			t.Errorf("%q of %q, modified %v, is version %q, want %q", c.module, c.time, c.modified, got, c.want)
		}
	}
}

func TestAVersionSaysWhatTheToolchainRecorded(t *testing.T) {
	doc := versionOf(&debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "CGO_ENABLED", Value: "1"}, {Key: "vcs.revision", Value: "1f29"},
			{Key: "vcs.time", Value: "2026-11-23T03:26:14Z"}, {Key: "vcs.modified", Value: "false"},
		},
	})
	want := versionDoc{Version: "1.2.3", Commit: "1f29", Time: "2026-11-23T03:26:14Z", CGO: true}
	if doc != want {
		t.Errorf("got %+v, want %+v", doc, want)
	}
}
