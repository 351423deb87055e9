package ollama

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EncodeRequest writes a request. It always says whether a stream is wanted: Ollama streams unless it is told not to.
func (codec) EncodeRequest(p *inference.Prompt, o wire.EncodeOptions, l *wire.Losses) ([]byte, error) {
	e := encoder{p: p, o: o, l: l, names: map[string]string{}}
	e.w.B = make([]byte, 0, 1024)
	e.w.Open('{').Key("model").Str(p.Model).Key("stream").Bool(p.Stream)
	for _, step := range []func() error{e.messages, e.tools, e.options, e.output, e.think, e.circumstances, e.rest} {
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
	// names are the tools of the calls by their ids: a result is known by its tool's name here.
	names map[string]string
}

func (e *encoder) options() error {
	p := e.p
	e.w.Key("options").Open('{')
	if p.MaxOutput > 0 {
		e.w.Key("num_predict").Int(p.MaxOutput)
	}
	for _, n := range []struct{ name, value string }{
		{"temperature", string(p.Temperature)},
		{"top_p", string(p.TopP)},
		{"top_k", string(p.TopK)},
		{"seed", string(p.Seed)},
		{"presence_penalty", string(p.PresencePenalty)},
		{"frequency_penalty", string(p.FrequencyPenalty)},
	} {
		if n.value != "" {
			e.w.Key(n.name).Raw(n.value)
		}
	}
	if len(p.Stop) > 0 {
		e.w.Key("stop").Open('[')
		for _, s := range p.Stop {
			e.w.Str(s)
		}
		e.w.Close(']')
	}
	e.w.Close('}')
	return nil
}

func (e *encoder) output() error {
	switch o := &e.p.Output; o.Kind {
	case inference.OutputText:
	case inference.OutputJSON:
		e.w.Key("format").Str("json")
	case inference.OutputSchema:
		e.w.Member("format", o.Schema)
	}
	return nil
}

// think says how much the model should think. Models of one family know how much, others whether.
func (e *encoder) think() error {
	r := &e.p.Reasoning
	effort := r.Effort
	if effort == "" && r.HasBudget && r.Budget == 0 {
		effort = "none"
	}
	switch {
	case !r.Given():
	case effort == "none":
		e.w.Key("think").Bool(false)
	case strings.Contains(e.p.Model, "gpt-oss") && effort != "":
		e.w.Key("think").Str(level(effort))
	case strings.Contains(e.p.Model, "gpt-oss") && r.HasBudget && r.Budget > 0:
		e.w.Key("think").Str(levelOf(r.Budget))
	default:
		e.w.Key("think").Bool(true)
	}
	return nil
}

// levelOf is the level that a budget in tokens means. Source: the provider sheet "translation", "Reasoning effort ↔ budget".
func levelOf(budget int64) string {
	switch {
	case budget <= 2048:
		return "low"
	case budget <= 8192:
		return "medium"
	}
	return "high"
}

// level is an effort in one of the three words that there are.
func level(effort string) string {
	switch effort {
	case "minimal", "low":
		return "low"
	case "medium":
		return "medium"
	}
	return "high"
}

// circumstances are what Ollama has no words for.
func (e *encoder) circumstances() error {
	p := e.p
	if p.Choices > 1 {
		return e.l.Refuse("n", "Ollama gives one answer.")
	}
	if err := e.l.Continues(p); err != nil {
		return err
	}
	return e.l.Parameters(noParameter, []wire.Given{
		wire.GivenNumber("logprobs", p.TopLogprobs),
		{Path: "verbosity", Value: p.Verbosity},
		{Path: "user", Value: p.User},
		{Path: "prompt_cache_key", Value: p.CacheKey},
		{Path: "service_tier", Value: p.ServiceTier},
		wire.GivenTrue("store", p.Store),
		{Path: "metadata", Value: string(p.Metadata)},
	}...)
}

const noParameter = "Ollama has no such parameter."

// rest puts back what is Ollama's own. What came from another format has no words here.
func (e *encoder) rest() error {
	return e.l.Rest(&e.w, e.p.Rest, isOfOllama, noParameter)
}
