// Package claude is what the names of Anthropic's models say of them, whoever offers them.
package claude

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/wire"
)

// Model is what a name says. The zero value is of other models, and of names that say nothing.
type Model struct {
	version int // 4.7 is 407
	opus    bool
}

// Versions from which models think as they like if they are let, only so, and have an effort.
const (
	adaptiveVersion     = 406
	adaptiveOnlyVersion = 407
	opusEffortVersion   = 405
)

// Of reads a model's name, such as "claude-opus-4-7" or "us.anthropic.claude-3-5-sonnet-20241022-v2:0".
func Of(model string) Model {
	_, name, found := strings.Cut(strings.ToLower(model), "claude")
	if !found {
		return Model{}
	}
	at := strings.IndexAny(name, "0123456789")
	if at < 0 {
		return Model{}
	}
	major, rest := shortNumber(name[at:])
	c := Model{version: 100 * major, opus: strings.Contains(name, "opus")}
	if rest != "" && (rest[0] == '-' || rest[0] == '.') {
		minor, _ := shortNumber(rest[1:])
		c.version += minor
	}
	return c
}

// shortNumber reads a number of at most two digits; longer ones are dates, and 0.
func shortNumber(s string) (n int, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		if i++; i > 2 {
			return 0, ""
		}
	}
	return n, s[i:]
}

// Known reports whether the name told a version.
func (m Model) Known() bool { return m.version > 0 }

// Adaptive reports whether the model can be left to think as it likes. Models of whom nothing is known can.
func (m Model) Adaptive() bool { return !m.Known() || m.version >= adaptiveVersion }

// AdaptiveOnly reports whether the model takes no budget of reasoning, and nothing of how tokens are chosen.
func (m Model) AdaptiveOnly() bool { return m.version >= adaptiveOnlyVersion }

// budgets are budgets of reasoning in tokens by effort. Source: the sheet "translation", section 1.
var budgets = map[string]int64{
	"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768,
}

// Budget is the budget of tokens that an effort is to models that think within one; 0: they do not think.
func Budget(effort string) int64 { return budgets[effort] }

var (
	firstEfforts = []string{"low", "medium", "high"}
	laterEfforts = []string{"low", "medium", "high", "max"}
	allEfforts   = []string{"low", "medium", "high", "xhigh", "max"}
)

// Effort is what the model takes for an effort; "" where there is nothing to say.
func (m Model) Effort(effort string) string {
	switch {
	case effort == "none" || !wire.KnownEffort(effort):
		return ""
	case !m.Known() || m.version >= adaptiveOnlyVersion:
		return wire.NearestEffort(effort, allEfforts)
	case m.version >= adaptiveVersion:
		return wire.NearestEffort(effort, laterEfforts)
	case m.version >= opusEffortVersion && m.opus:
		return wire.NearestEffort(effort, firstEfforts)
	}
	return ""
}
