package wire

import "strings"

// Claude is what the name of a model says of Anthropic's models. The zero value is of others, and of names that say nothing.
type Claude struct {
	version int // 4.7 is 407
	opus    bool
}

// Versions from which models think as they like if they are let, only so, and have an effort.
const (
	adaptiveVersion     = 406
	adaptiveOnlyVersion = 407
	opusEffortVersion   = 405
)

// ClaudeOf reads a model's name, such as "claude-opus-4-7" or "us.anthropic.claude-3-5-sonnet-20241022-v2:0".
func ClaudeOf(model string) Claude {
	_, name, found := strings.Cut(strings.ToLower(model), "claude")
	if !found {
		return Claude{}
	}
	at := strings.IndexAny(name, "0123456789")
	if at < 0 {
		return Claude{}
	}
	major, rest := shortNumber(name[at:])
	c := Claude{version: 100 * major, opus: strings.Contains(name, "opus")}
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
func (c Claude) Known() bool { return c.version > 0 }

// Adaptive reports whether the model can be left to think as it likes. Models of whom nothing is known can.
func (c Claude) Adaptive() bool { return !c.Known() || c.version >= adaptiveVersion }

// AdaptiveOnly reports whether the model takes no budget of reasoning, and nothing of how tokens are chosen.
func (c Claude) AdaptiveOnly() bool { return c.version >= adaptiveOnlyVersion }

// claudeBudgets are budgets of reasoning in tokens by effort. Source: the sheet "translation", section 1.
var claudeBudgets = map[string]int64{
	"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768,
}

// ClaudeBudget is the budget of tokens that an effort is to models that think within one; 0: they do not think.
func ClaudeBudget(effort string) int64 { return claudeBudgets[effort] }

var (
	firstEfforts = []string{"low", "medium", "high"}
	laterEfforts = []string{"low", "medium", "high", "max"}
	allEfforts   = []string{"low", "medium", "high", "xhigh", "max"}
)

// Effort is what the model takes for an effort; "" where there is nothing to say.
func (c Claude) Effort(effort string) string {
	switch {
	case effort == "none" || !KnownEffort(effort):
		return ""
	case !c.Known() || c.version >= adaptiveOnlyVersion:
		return NearestEffort(effort, allEfforts)
	case c.version >= adaptiveVersion:
		return NearestEffort(effort, laterEfforts)
	case c.version >= opusEffortVersion && c.opus:
		return NearestEffort(effort, firstEfforts)
	}
	return ""
}
