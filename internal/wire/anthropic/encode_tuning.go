package anthropic

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/claude"
)

const (
	leastBudget = 1024
	usualBudget = 8192
)

// reasoning decides how much the model may think, and says so.
func (e *encoder) reasoning() error {
	r := &e.p.Reasoning
	if r.Effort != "" && !wire.KnownEffort(r.Effort) {
		return e.l.Parameter("reasoning", r.Effort, "The upstream knows no such effort.")
	}
	wanted := e.wantedBudget()
	adaptive := r.Adaptive && e.claude.Adaptive() || e.claude.AdaptiveOnly() && wanted > 0
	if !adaptive && wanted == 0 {
		return nil
	}
	if why := e.whyNoThought(adaptive); why != "" {
		return e.l.Parameter("reasoning", "on", why)
	}
	e.w.Key("thinking").Open('{').Key("type")
	if adaptive {
		e.asItLikes()
	} else {
		e.within(wanted)
	}
	if r.Summary == "hidden" {
		e.w.Key("display").Str("omitted")
	}
	e.w.Close('}')
	return nil
}

// asItLikes leaves it to the model how much it thinks.
func (e *encoder) asItLikes() {
	r := &e.p.Reasoning
	e.adaptive = true
	if !r.Adaptive && r.Budget > 0 {
		e.l.Changed("reasoning", strconv.FormatInt(r.Budget, 10), e.effort(), "The model thinks as it likes, within an effort.")
	}
	e.w.Str("adaptive")
}

// within has the model think within a budget.
func (e *encoder) within(wanted int64) {
	e.budget = min(wanted, e.limit*3/4)
	if e.budget != wanted {
		e.l.Changed("reasoning", strconv.FormatInt(wanted, 10), strconv.FormatInt(e.budget, 10), "The limit on output covers reasoning.")
	}
	e.w.Str("enabled").Key("budget_tokens").Int(e.budget)
}

func (e *encoder) wantedBudget() int64 {
	r := &e.p.Reasoning
	switch {
	case r.HasBudget && r.Budget < 0:
		return usualBudget
	case r.HasBudget && r.Budget == 0:
		return 0
	case r.HasBudget:
		return max(r.Budget, leastBudget)
	case r.Adaptive && r.Effort == "":
		return usualBudget
	}
	return claude.Budget(r.Effort)
}

// whyNoThought says why the model cannot think about this request, which in this format excludes some other things.
func (e *encoder) whyNoThought(adaptive bool) string {
	switch {
	case !adaptive && e.limit*3/4 < leastBudget:
		return "The limit on output leaves no room for reasoning."
	case e.p.Choice.Mode == inference.ToolsRequired && e.hasTools():
		return "A model that must call a tool does not reason."
	case e.thoughtlessLoop():
		return "The calls that the results are of were made without reasoning that could be sent back."
	case len(e.turns) > 0 && e.turns[len(e.turns)-1].Role == inference.RoleAssistant:
		return "A model that goes on with a given answer does not reason."
	}
	return ""
}

// thoughtlessLoop reports whether the conversation ends with results of calls before which there are no thoughts.
func (e *encoder) thoughtlessLoop() bool {
	n := len(e.turns)
	if n < 2 || e.turns[n-1].Role != inference.RoleUser || e.turns[n-1].Parts[0].Kind != inference.PartResult {
		return false
	}
	calls := e.turns[n-2].Parts
	return len(calls) == 0 || !isOwnThought(&calls[0])
}

// isOwnThought reports whether a part is reasoning that the upstream can trust.
func isOwnThought(p *inference.Part) bool {
	return p.Kind == inference.PartReasoning && p.Seal != nil && p.Seal.Dialect == inference.Anthropic
}

// effort is what the model is told of how much to care. Who speaks of efforts in this very format, or of adaptive reasoning,
// means this; others mean reasoning, and models without budgets know of no other word for it.
func (e *encoder) effort() string {
	r := &e.p.Reasoning
	effort := r.Effort
	switch {
	case effort == "" && e.adaptive && r.HasBudget:
		effort = wire.EffortOf(r.Budget)
	case !r.Adaptive && !r.HasBudget && !e.claude.AdaptiveOnly():
		return ""
	}
	return e.claude.Effort(effort)
}

// sampling writes how tokens are chosen, as far as the format lets callers say so.
func (e *encoder) sampling() error {
	p := e.p
	temperature, topP, topK := p.Temperature, p.TopP, p.TopK
	why := ""
	switch {
	case e.o.FixedSampling, e.claude.AdaptiveOnly():
		why = "The upstream chooses tokens as it likes."
	case e.thinks():
		why = "A model that reasons chooses tokens as it likes."
	}
	if why != "" {
		for _, n := range [...]struct {
			name  string
			value *json.Number
		}{{"temperature", &temperature}, {"top_p", &topP}, {"top_k", &topK}} {
			if err := e.fixed(n.name, n.value, why); err != nil {
				return err
			}
		}
	}
	if temperature != "" && topP != "" {
		if err := e.l.Parameter("top_p", string(topP), "The upstream takes temperature or top_p, not both."); err != nil {
			return err
		}
		topP = ""
	}
	e.number("temperature", e.clamped(temperature))
	e.number("top_p", topP)
	e.number("top_k", topK)
	return e.others()
}

// fixed drops a number that cannot be chosen; one that says what happens anyway goes without a word.
func (e *encoder) fixed(name string, value *json.Number, why string) error {
	given := *value
	*value = ""
	if f, err := given.Float64(); given == "" || err == nil && f == 1 && name != "top_k" {
		return nil
	}
	return e.l.Parameter(name, string(given), why)
}

// clamped bounds the temperature to what the upstream takes.
func (e *encoder) clamped(n json.Number) json.Number {
	f, err := n.Float64()
	if err != nil || f <= 1 {
		return n
	}
	e.l.Changed("temperature", string(n), "1", "The upstream's temperature goes to 1.")
	return "1"
}

func (e *encoder) number(name string, n json.Number) {
	if n != "" {
		e.w.Key(name).Raw(string(n))
	}
}

func (e *encoder) others() error {
	p := e.p
	logprobs := ""
	if p.TopLogprobs != nil {
		logprobs = strconv.FormatInt(*p.TopLogprobs, 10)
	}
	err := e.l.Parameters(noParameter, []wire.Given{
		{Path: "presence_penalty", Value: nonZero(p.PresencePenalty)},
		{Path: "frequency_penalty", Value: nonZero(p.FrequencyPenalty)},
		{Path: "seed", Value: string(p.Seed)},
		{Path: "logprobs", Value: logprobs},
	}...)
	if err != nil {
		return err
	}
	return e.stops()
}

// nonZero is a number that changes something; "" for 0.
func nonZero(n json.Number) string {
	if f, err := n.Float64(); err == nil && f == 0 {
		return ""
	}
	return string(n)
}

func (e *encoder) stops() error {
	open := false
	for _, s := range e.p.Stop {
		if strings.TrimSpace(s) == "" {
			if err := e.l.Parameter("stop", strconv.Quote(s), "Nothing but space cannot end an answer."); err != nil {
				return err
			}
			continue
		}
		if !open {
			e.w.Key("stop_sequences").Open('[')
			open = true
		}
		e.w.Str(s)
	}
	if open {
		e.w.Close(']')
	}
	return nil
}
