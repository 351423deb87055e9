package claude_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/wire/claude"
)

func TestNamesOfClaude(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]bool{ // known, adaptive, adaptive only
		"gpt-5": {false, true, false}, "claude": {false, true, false}, "claude-instant": {false, true, false},
		"claude-2.1": {true, false, false}, "anthropic.claude-v2:1": {true, false, false}, "claude-3-5-sonnet-20241022": {true, false, false},
		"claude-opus-4-20250514": {true, false, false}, "claude-sonnet-4@20250514": {true, false, false},
		"us.anthropic.claude-opus-4-5-20251101-v1:0": {true, false, false}, "claude-sonnet-4.6": {true, true, false},
		"claude-opus-4-7": {true, true, true}, "claude-opus-4.8-fast": {true, true, true}, "anthropic/Claude-Sonnet-5": {true, true, true},
		"claude-haiku-5-5": {true, true, true}, "claude-sonnet-5-20260801": {true, true, true}, "claude-20250514": {false, true, false},
	} {
		c := claude.Of(name)
		if got := [...]bool{c.Known(), c.Adaptive(), c.AdaptiveOnly()}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
