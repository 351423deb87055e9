package bedrock

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/claude"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EncodeRequest writes a request. The model is not in it: it stands in the path.
func (codec) EncodeRequest(p *inference.Prompt, o wire.EncodeOptions, l *wire.Losses) ([]byte, error) {
	e := encoder{p: p, o: o, l: l, claude: claude.Of(p.Model)}
	e.w.B = make([]byte, 0, 1024)
	e.w.Open('{')
	for _, step := range []func() error{e.system, e.messages, e.think, e.inference, e.tools, e.additional, e.output, e.circumstances, e.rest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e.w.Close('}')
	return e.w.B, nil
}

type encoder struct {
	p *inference.Prompt
	o wire.EncodeOptions
	l *wire.Losses
	w jsondoc.Writer
	// budget is what Claude may think, in tokens; 0: it does not, or as it likes where adaptive says so.
	budget   int64
	adaptive bool
	claude   claude.Model
	// used are the tools that the conversation speaks of, in order.
	used []string
}

func (e *encoder) system() error {
	hint := e.hint()
	if len(e.p.System) == 0 && hint == "" {
		return nil
	}
	e.w.Key("system").Open('[')
	for i := range e.p.System {
		p := &e.p.System[i]
		if p.Kind != inference.PartText {
			if err := e.cannot(p); err != nil {
				return err
			}
			continue
		}
		e.text(p.Text)
		e.cache(p)
	}
	if hint != "" {
		e.text(hint)
	}
	e.w.Close(']')
	return nil
}

func (e *encoder) cannot(p *inference.Part) error {
	return e.l.Content(p.Path, "", "Bedrock cannot carry this content here.")
}

// inference writes the sampling. Claude that thinks takes none.
func (e *encoder) inference() error {
	p := e.p
	e.w.Key("inferenceConfig").Open('{')
	if p.MaxOutput > 0 {
		e.w.Key("maxTokens").Int(p.MaxOutput)
	}
	for _, n := range []struct{ name, path, value string }{
		{"temperature", "temperature", string(p.Temperature)}, {"topP", "top_p", string(p.TopP)},
	} {
		if err := e.number(n.name, n.path, n.value); err != nil {
			return err
		}
	}
	if len(p.Stop) > 0 {
		e.w.Key("stopSequences").Open('[')
		for _, s := range p.Stop {
			e.w.Str(s)
		}
		e.w.Close(']')
	}
	e.w.Close('}')
	return nil
}

// number writes a figure from 0 to 1.
func (e *encoder) number(name, path, value string) error {
	if value == "" {
		return nil
	}
	if e.thinks() || e.claude.AdaptiveOnly() {
		return e.l.Parameter(path, value, "A model that thinks takes no sampling.")
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil && n > 1 {
		e.l.Changed(path, value, "1", "Bedrock takes figures from 0 to 1.")
		value = "1"
	}
	e.w.Key(name).Raw(value)
	return nil
}

// minBudget is the least that Claude can think.
const minBudget = 1024

// think settles how much Claude thinks; others are not told.
func (e *encoder) think() error {
	r := &e.p.Reasoning
	if r.Effort != "" && !wire.KnownEffort(r.Effort) {
		return e.l.Parameter("reasoning", r.Effort, "The upstream knows no such effort.")
	}
	budget := r.Budget
	if !r.HasBudget {
		budget = claude.Budget(r.Effort)
	}
	if !r.Given() || budget == 0 && !r.Adaptive {
		return nil
	}
	if !isClaude(e.p.Model) {
		return e.l.Parameter("reasoning", cmp.Or(r.Effort, "on"), "The model is not told how much to think.")
	}
	if r.Adaptive && e.claude.Adaptive() || e.claude.AdaptiveOnly() {
		e.adaptive = true
		return nil
	}
	if budget < 0 || r.Adaptive && budget == 0 {
		budget = claude.Budget("medium")
	}
	return e.within(budget)
}

// within has Claude think within a budget, as far as the limit on output leaves room for it.
func (e *encoder) within(budget int64) error {
	if e.p.MaxOutput > 0 && budget >= e.p.MaxOutput {
		e.l.Changed("reasoning", strconv.FormatInt(budget, 10), strconv.FormatInt(e.p.MaxOutput/2, 10), "Thinking takes less than the limit on output.")
		budget = e.p.MaxOutput / 2
	}
	if budget < minBudget {
		return e.l.Parameter("reasoning", strconv.FormatInt(budget, 10), "The limit on output leaves no room to think.")
	}
	e.budget = budget
	return nil
}

func (e *encoder) thinks() bool { return e.budget > 0 || e.adaptive }

// effort is how much Claude that thinks as it likes is to care.
func (e *encoder) effort() string {
	r := &e.p.Reasoning
	if r.Effort == "" && r.HasBudget {
		return e.claude.Effort(wire.EffortOf(r.Budget))
	}
	return e.claude.Effort(r.Effort)
}

// additional writes what only Claude knows.
func (e *encoder) additional() error {
	topK := string(e.p.TopK)
	if topK != "" && (!isClaude(e.p.Model) || e.thinks() || e.claude.AdaptiveOnly()) {
		if err := e.l.Parameter("top_k", topK, "The model has no top_k."); err != nil {
			return err
		}
		topK = ""
	}
	if topK == "" && !e.thinks() {
		return nil
	}
	e.w.Key("additionalModelRequestFields").Open('{')
	if topK != "" {
		e.w.Key("top_k").Raw(topK)
	}
	if e.adaptive {
		e.w.Key("thinking").Raw(`{"type":"adaptive"}`)
		if effort := e.effort(); effort != "" {
			e.w.Key("output_config").Open('{').Key("effort").Str(effort).Close('}')
		}
	}
	if e.budget > 0 {
		e.w.Key("thinking").Open('{').Key("type").Str("enabled").Key("budget_tokens").Int(e.budget).Close('}')
	}
	e.w.Close('}')
	return nil
}

// circumstances are what Converse has no words for.
func (e *encoder) circumstances() error {
	p := e.p
	if p.Choices > 1 {
		return e.l.Refuse("n", "Bedrock gives one answer.")
	}
	if err := e.l.Continues(p); err != nil {
		return err
	}
	return e.l.Parameters(noParameter, []wire.Given{
		{Path: "presence_penalty", Value: string(p.PresencePenalty)},
		{Path: "frequency_penalty", Value: string(p.FrequencyPenalty)},
		{Path: "seed", Value: string(p.Seed)},
		wire.GivenNumber("logprobs", p.TopLogprobs),
		{Path: "verbosity", Value: p.Verbosity},
		{Path: "user", Value: p.User},
		{Path: "prompt_cache_key", Value: p.CacheKey},
		{Path: "service_tier", Value: p.ServiceTier},
		wire.GivenTrue("store", p.Store),
		{Path: "metadata", Value: string(p.Metadata)},
		{Path: "modalities", Value: strings.Join(others(p.Output.Modalities), ",")},
	}...)
}

const noParameter = "Bedrock has no such parameter."

// others are the modalities but text.
func others(modalities []string) (out []string) {
	for _, m := range modalities {
		if m != "text" {
			out = append(out, m)
		}
	}
	return out
}

// rest puts back what is Bedrock's own. What came from another format has no words here.
func (e *encoder) rest() error {
	return e.l.Rest(&e.w, e.p.Rest, isOfBedrock, noParameter)
}
