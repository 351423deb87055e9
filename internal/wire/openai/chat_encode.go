package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EncodeRequest writes a chat completion request.
func (chatCodec) EncodeRequest(p *inference.Prompt, o wire.EncodeOptions, l *wire.Losses) ([]byte, error) {
	e := chatEncoder{p: p, o: o, l: l}
	e.w.B = make([]byte, 0, 1024)
	e.w.Open('{').Key("model").Str(p.Model)
	for _, step := range []func() error{e.messages, e.sampling, e.output, e.reasoning, e.tools, e.circumstances, e.rest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e.w.Close('}')
	return e.w.B, nil
}

type chatEncoder struct {
	p *inference.Prompt
	o wire.EncodeOptions
	l *wire.Losses
	w jsondoc.Writer
}

func (e *chatEncoder) number(name, value string) {
	if value != "" {
		e.w.Key(name).Raw(value)
	}
}

// maxStops is how many texts can end an answer.
const maxStops = 4

func (e *chatEncoder) sampling() error {
	p := e.p
	if p.MaxOutput > 0 {
		name := e.o.MaxOutputParam
		if name == "" {
			name = "max_tokens"
		}
		e.w.Key(name).Int(p.MaxOutput)
	}
	s, err := samplingFor(p, e.l)
	if err != nil {
		return err
	}
	e.number("temperature", string(s.Temperature))
	e.number("top_p", string(s.TopP))
	e.number("presence_penalty", string(s.PresencePenalty))
	e.number("frequency_penalty", string(s.FrequencyPenalty))
	e.number("seed", string(s.Seed))
	if p.TopK != "" {
		if err := e.l.Parameter("top_k", string(p.TopK), "Chat completions have no top_k."); err != nil {
			return err
		}
	}
	if p.Choices > 1 {
		e.w.Key("n").Int(p.Choices)
	}
	if s.TopLogprobs != nil {
		e.w.Key("logprobs").Bool(true).Key("top_logprobs").Int(*s.TopLogprobs)
	}
	return e.stops()
}

func (e *chatEncoder) stops() error {
	stops := e.p.Stop
	if len(stops) > maxStops {
		if err := e.l.Parameter("stop", strings.Join(stops[maxStops:], " "), "At most four texts can end an answer."); err != nil {
			return err
		}
		stops = stops[:maxStops]
	}
	if len(stops) == 0 {
		return nil
	}
	e.w.Key("stop").Open('[')
	for _, s := range stops {
		e.w.Str(s)
	}
	e.w.Close(']')
	return nil
}

func (e *chatEncoder) output() error {
	o := &e.p.Output
	switch o.Kind {
	case inference.OutputText:
	case inference.OutputJSON:
		e.w.Key("response_format").Raw(`{"type":"json_object"}`)
	case inference.OutputSchema:
		name := o.Name
		if name == "" {
			name = "answer"
		}
		e.w.Key("response_format").Open('{').Key("type").Str("json_schema").Key("json_schema").Open('{')
		e.w.Key("name").Str(name).Text("description", o.Description).Member("schema", o.Schema)
		if o.Strict != nil {
			e.w.Key("strict").Bool(*o.Strict)
		}
		e.w.Close('}').Close('}')
	}
	if len(o.Modalities) > 0 {
		e.w.Key("modalities").Open('[')
		for _, m := range o.Modalities {
			e.w.Str(m)
		}
		e.w.Close(']')
	}
	e.w.Text("verbosity", e.p.Verbosity)
	return nil
}

func (e *chatEncoder) reasoning() error {
	effort, err := effortFor(e.p, e.l)
	e.w.Text("reasoning_effort", effort)
	return err
}

func (e *chatEncoder) circumstances() error {
	p := e.p
	if p.Stream {
		e.w.Key("stream").Bool(true)
		if e.o.AskUsage {
			e.w.Key("stream_options").Raw(`{"include_usage":true}`)
		}
	}
	e.w.Text("user", p.User).Text("prompt_cache_key", p.CacheKey).Text("service_tier", p.ServiceTier)
	if err := e.l.Parameters("The upstream keeps no answers for this protocol.", wire.GivenTrue("store", p.Store)); err != nil {
		return err
	}
	return e.l.Continues(p)
}

// rest puts back what came from this format. What came from another one has no words here.
func (e *chatEncoder) rest() error {
	return e.l.Rest(&e.w, e.p.Rest, isOfChat, "Chat completions have no such parameter.")
}
