package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// conversation makes turns of a line: "u" is what a user says, "a" what the assistant does; +1 calls a tool, =1 is a result.
func conversation(line string) (turns []inference.Turn) {
	for i, word := range strings.Fields(line) {
		t := inference.Turn{Path: fmt.Sprintf("input[%d]", i)}
		if word[0] == 'a' {
			t.Role = inference.RoleAssistant
		}
		for n, c := range word[1:] {
			id, path := word[n+1:], fmt.Sprintf("%s.%d", t.Path, n)
			switch c {
			case '.':
				t.Parts = append(t.Parts, inference.Part{Text: "text", Path: path})
			case '+':
				t.Parts = append(t.Parts, inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: id[1:2], Name: "f"}, Path: path})
			case '=':
				t.Parts = append(t.Parts, inference.Part{Kind: inference.PartResult, Result: &inference.Result{ID: id[1:2]}, Path: path})
			}
		}
		turns = append(turns, t)
	}
	return turns
}

// line is the reverse; a result that was made up is ?1.
func line(turns []inference.Turn) string {
	var words []string
	for _, t := range turns {
		word := map[inference.Role]string{inference.RoleUser: "u", inference.RoleAssistant: "a"}[t.Role]
		for _, p := range t.Parts {
			switch p.Kind {
			case inference.PartCall:
				word += "+" + p.Call.ID
			case inference.PartResult:
				word += map[bool]string{true: "?", false: "="}[len(p.Result.Parts) > 0] + p.Result.ID
			default:
				word += "."
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestPair(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, turns, want string
		changed           []string
	}{
		{"in order", "u. a.+1+2 u=1=2. a.", "u. a.+1+2 u=1=2. a.", nil},
		{"in another order", "u. a+1+2 u=2=1", "u. a+1+2 u=1=2", nil},
		{"ids that are used anew", "u. a+1 u=1 a+1 u=1", "u. a+1 u=1 a+1 u=1", nil},
		{"nothing was called", "u. a. u.", "u. a. u.", nil},
		{"still open", "u. a+1", "u. a+1", nil},
		{"one late", "u. a+1+2 u=1 u. u=2 a.", "u. a+1+2 u=1=2 u. a.", []string{"input[4].0"}},
		{"behind a text of the user's turn", "a+1 u.=1", "a+1 u.=1", nil},
		{"between the assistant's turns", "a+1 a. u=1", "a+1 u=1 a.", []string{"input[2].0"}},
		{"anew and late", "a+1 u. a+1 u=1 u.=1", "a+1 u=1 u. a+1 u=1 u.", []string{"input[3].0", "input[4].1"}},
		{"never", "a+1+2 u=1 a.", "a+1+2 u=1?2 a.", []string{"input[0].2"}},
		{"never, and the user goes on", "a+1 u.", "a+1 u?1 u.", []string{"input[0].0"}},
	} {
		var l wire.Losses
		turns := conversation(c.turns)
		got, err := wire.Pair(turns, &l)
		if err != nil || line(got) != c.want || line(turns) != c.turns {
			t.Errorf("%s: got %q, %v, want %q", c.what, line(got), err, c.want)
		}
		var changed []string
		for _, loss := range l.Dropped {
			changed = append(changed, loss.Path)
		}
		if strings.Join(changed, " ") != strings.Join(c.changed, " ") {
			t.Errorf("%s: changed %v, want %v", c.what, changed, c.changed)
		}
	}
}

func TestPairRefusesResultsWithoutCalls(t *testing.T) {
	t.Parallel()
	for _, turns := range []string{"u=1", "u=1 a+1", "a+1 u=1=2 a.", "a+1 u=1 a. u=1"} {
		if _, err := wire.Pair(conversation(turns), &wire.Losses{}); !errors.Is(err, wire.ErrUntranslatable) {
			t.Errorf("%s: %v", turns, err)
		}
	}
	l := wire.Losses{Policy: wire.DropLosses}
	if got, err := wire.Pair(conversation("u. u=3 a+1 u=1=2 a."), &l); err != nil || line(got) != "u. a+1 u=1 a." || len(l.Dropped) != 2 {
		t.Errorf("%q, %v, %v", line(got), err, l.Dropped)
	}
}
