package cli

// What a walk asks: what to do about a step, and what only the reader knows for its command.

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/playbook"
)

// What somebody answers to a step.
const (
	answerDone  = "done"
	answerRun   = "run"
	answerSkip  = "skip"
	answerStop  = "stop"
	answerGo    = "go"
	answerAgain = "again"
)

// fill asks for what only the reader knows. No args: something was left out.
func (f *fixing) fill(ctx context.Context, step playbook.Step) ([]string, error) {
	typed := false
	for _, hole := range step.Holes {
		if f.known[hole] != "" && !f.asked[hole] { // of the command line, or of the finding
			continue
		}
		value, err := f.value(ctx, hole)
		if err != nil || value == "" {
			return nil, err
		}
		typed, f.known[hole], f.asked[hole] = true, value, true
	}
	args, missing := step.Fill(f.known)
	if len(missing) > 0 {
		for _, hole := range missing {
			delete(f.known, hole) // it is asked for when the step is run again
		}
		return nil, nil
	}
	if !typed {
		return args, nil
	}
	return args, f.show("   poskey " + shellLine(shownArgs(args)) + "\n")
}

// value asks for one placeholder. What was typed before stands in brackets; Enter takes it. The place of a key is typed
// blind: the key itself may be typed in its stead.
func (f *fixing) value(ctx context.Context, hole string) (string, error) {
	what, _ := playbook.Describe(hole)
	question := f.app.Say.T("%s (Enter: leave it out): ", what)
	before := f.known[hole]
	if before != "" {
		question = f.app.Say.T("%s [%s]: ", what, before)
	}
	for {
		value, err := f.typed(ctx, hole, question)
		if err != nil {
			return "", err
		}
		if value == "" {
			return before, nil
		}
		refusal := refusedValue(hole, value)
		if refusal.IsZero() {
			return value, nil
		}
		if err := f.show(f.app.Say.Text(refusal) + "\n"); err != nil {
			return "", err
		}
	}
}

func (f *fixing) typed(ctx context.Context, hole, question string) (string, error) {
	f.app.Console.Discard()
	if !isKeyHole(hole) {
		value, err := f.app.Console.Line(ctx, question)
		return strings.TrimSpace(value), err
	}
	hidden, err := f.app.Console.Secret(ctx, question)
	if err != nil {
		return "", err
	}
	defer hidden.Wipe()
	if typed := hidden.Expose(); len(typed) > 0 && !beginsAsPlace(typed) {
		return "?", nil // it may be a key: no copy of it is made, and it is refused
	}
	return strings.TrimSpace(string(hidden.Expose())), nil
}

// beginsAsPlace looks whether what was typed blind begins as the place of a key does.
func beginsAsPlace(typed []byte) bool {
	for _, word := range []string{"store:", "file:", "block:", "env:", "prompt"} {
		if bytes.HasPrefix(typed, []byte(word)) {
			return true
		}
	}
	return false
}

// refusedValue says why a value may not stand in a command of a walk.
func refusedValue(hole, value string) text.Text {
	value = strings.TrimSpace(value)
	step := playbook.Step{Args: []string{"{" + hole + "}"}, Holes: []string{hole}}
	if value == "" {
		return text.Text{}
	}
	if _, missing := step.Fill(map[string]string{hole: value}); len(missing) > 0 {
		return text.New("that would be read as a flag, or holds what no command takes")
	}
	if !isKeyHole(hole) {
		return text.Text{}
	}
	spec, err := source.ParseSRC(value)
	places := []source.Kind{source.Prompt, source.File, source.Store, source.Block, source.Env}
	if err != nil || !slices.Contains(places, spec.Kind) || text.Redact(value) != value {
		return text.New("that is no place of a key; say where it is: store:LABEL, file:PATH or prompt, never its digits")
	}
	return text.Text{}
}

// isKeyHole reports placeholders that stand for where a key is.
func isKeyHole(name string) bool {
	return slices.Contains([]string{"key", "kbpk", "newkbpk", "tmk", "kek", "bdk", "part1", "part2"}, name)
}

// ask takes one of three words, or what people type in their place. What was typed before the question stood there, as in
// lines that were pasted, was no answer to it.
func (f *fixing) ask(ctx context.Context, words []string) (string, error) {
	for {
		f.app.Console.Discard()
		answer, err := f.app.Console.Line(ctx, f.app.Say.T("type %s, %s or %s: ", words[0], words[1], words[2]))
		if err != nil {
			return "", err
		}
		if word := meant(answer, words); word != "" {
			return word, nil
		}
	}
}

// halfWide makes the letters that a Chinese input method types, which are as wide as its characters, plain ones.
func halfWide(c rune) rune {
	if c >= '！' && c <= '～' {
		return c - '！' + '!'
	}
	return c
}

// meant finds the word that an answer stands for: yes is the first one, no is skip, quit is stop.
func meant(answer string, words []string) string {
	answer = strings.ToLower(strings.TrimSpace(strings.Map(halfWide, answer)))
	other := map[string]string{
		"y": words[0], "yes": words[0], "是": words[0],
		"n": answerSkip, "no": answerSkip, "否": answerSkip, "s": answerSkip,
		"q": answerStop, "quit": answerStop, "exit": answerStop,
		"执行": answerRun, "完成": answerDone, "跳过": answerSkip, "停止": answerStop, "继续": answerGo, "重试": answerAgain,
	}
	if word, there := other[answer]; there {
		answer = word
	}
	if slices.Contains(words, answer) {
		return answer
	}
	return ""
}
