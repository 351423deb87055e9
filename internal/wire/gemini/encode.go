package gemini

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EncodeRequest writes a request to generate content. The model and whether it streams are in the address.
func (codec) EncodeRequest(p *inference.Prompt, _ wire.EncodeOptions, l *wire.Losses) ([]byte, error) {
	e := encoder{p: p, l: l, model: generationOf(p.Model), names: map[string]string{}}
	e.w.B = make([]byte, 0, 1024)
	e.w.Open('{')
	for _, step := range []func() error{e.system, e.contents, e.tools, e.config, e.circumstances, e.rest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e.w.Close('}')
	return e.w.B, nil
}

type encoder struct {
	p     *inference.Prompt
	l     *wire.Losses
	w     jsondoc.Writer
	model generation
	// names are the functions that were called, by the call's id.
	names map[string]string
}

const (
	maxStops   = 5
	configPath = "generationConfig."
)

// config writes generationConfig.
func (e *encoder) config() error {
	from := len(e.w.B)
	e.w.Key("generationConfig").Open('{')
	empty := len(e.w.B)
	for _, step := range []func() error{e.limits, e.sampling, e.output, e.thinking} {
		if err := step(); err != nil {
			return err
		}
	}
	for i := range e.p.Rest {
		if r := &e.p.Rest[i]; isOwn(r) {
			if name, ok := strings.CutPrefix(camel(r.Path), configPath); ok && isName(name) {
				e.w.Key(camel(name)).Bytes(r.Value)
			}
		}
	}
	if len(e.w.B) == empty {
		e.w.B = e.w.B[:from]
		return nil
	}
	e.w.Close('}')
	return nil
}

func (e *encoder) limits() error {
	p := e.p
	if p.MaxOutput > 0 {
		e.w.Key("maxOutputTokens").Int(p.MaxOutput)
	}
	if p.Choices > MaxCandidates {
		return e.l.Refuse("n", "Gemini makes at most eight candidates.")
	}
	if p.Choices > 1 {
		e.w.Key("candidateCount").Int(p.Choices)
	}
	stops := p.Stop
	if len(stops) > maxStops {
		if err := e.l.Parameter("stop", strings.Join(stops[maxStops:], " "), "At most five texts can end an answer."); err != nil {
			return err
		}
		stops = stops[:maxStops]
	}
	if len(stops) > 0 {
		e.w.Key("stopSequences").Open('[')
		for _, s := range stops {
			e.w.Str(s)
		}
		e.w.Close(']')
	}
	return nil
}

func (e *encoder) number(name string, n json.Number) {
	if n != "" {
		e.w.Key(name).Raw(string(n))
	}
}

func (e *encoder) sampling() error {
	s := &e.p.Sampling
	e.number("temperature", s.Temperature)
	e.number("topP", s.TopP)
	e.number("topK", s.TopK)
	e.number("presencePenalty", s.PresencePenalty)
	e.number("frequencyPenalty", s.FrequencyPenalty)
	if s.Seed != "" {
		e.seed(s.Seed)
	}
	if s.TopLogprobs != nil {
		e.w.Key("responseLogprobs").Bool(true)
		if *s.TopLogprobs > 0 {
			e.w.Key("logprobs").Int(*s.TopLogprobs)
		}
	}
	return nil
}

// seed writes a seed, of which Google takes 32 bits: the same long one always becomes the same short one.
func (e *encoder) seed(n json.Number) {
	seed, err := n.Int64()
	if short := int64(int32(seed)); err == nil && short != seed { //nolint:gosec // that is the point
		e.l.Changed("seed", n.String(), strconv.FormatInt(short, 10), "Gemini's seeds have 32 bits.")
		seed = short
	}
	if err == nil {
		e.w.Key("seed").Int(seed)
	}
}

func (e *encoder) output() error {
	o := &e.p.Output
	switch o.Kind {
	case inference.OutputText:
	case inference.OutputJSON:
		e.w.Key("responseMimeType").Str("application/json")
	case inference.OutputSchema:
		e.w.Key("responseMimeType").Str("application/json")
		if len(o.Schema) > 0 {
			if err := e.schema("responseJsonSchema", "responseSchema", o.Schema, "response_format"); err != nil {
				return err
			}
		}
	}
	if len(o.Modalities) > 0 {
		e.w.Key("responseModalities").Open('[')
		for _, m := range o.Modalities {
			e.w.Str(strings.ToUpper(m))
		}
		e.w.Close(']')
	}
	return nil
}

// schema writes a JSON Schema as it is, or for models that do not know it in Google's own form.
func (e *encoder) schema(name, own string, schema json.RawMessage, path string) error {
	if !e.model.old {
		e.w.Key(name).Bytes(schema)
		return nil
	}
	clean, lost, err := sanitize(schema)
	if err != nil {
		return e.l.Refuse(path, "The schema cannot be read.")
	}
	if len(lost) > 0 {
		e.l.Changed(path, strings.Join(lost, ", "), "", "Google's schemas do not know these keywords.")
	}
	e.w.Key(own).Bytes(clean)
	return nil
}

// circumstances tells what of the request is about things that Google does not have.
func (e *encoder) circumstances() error {
	p := e.p
	if err := e.l.Continues(p); err != nil {
		return err
	}
	tier := p.ServiceTier
	if tier == "auto" || tier == "default" || tier == "standard" {
		tier = ""
	}
	return e.l.Parameters(noParameter, []wire.Given{
		{Path: "user", Value: p.User},
		{Path: "prompt_cache_key", Value: p.CacheKey},
		{Path: "service_tier", Value: tier},
		{Path: "verbosity", Value: p.Verbosity},
		wire.GivenTrue("store", p.Store),
		{Path: "metadata", Value: string(p.Metadata)},
	}...)
}

const noParameter = "Gemini has no such parameter."

// rest puts back what came from this format. What came from another one has no words here.
func (e *encoder) rest() error {
	for i := range e.p.Rest {
		r := &e.p.Rest[i]
		switch {
		case isOwn(r) && strings.HasPrefix(camel(r.Path), configPath), isOwn(r) && strings.HasPrefix(camel(r.Path), "toolConfig."):
		case isOwn(r) && isName(r.Path):
			e.w.Key(camel(r.Path)).Bytes(r.Value)
		default:
			if err := e.l.Parameter(r.Path, string(r.Value), noParameter); err != nil {
				return err
			}
		}
	}
	return nil
}

// isName reports whether a path is the plain name of a member.
func isName(path string) bool {
	for _, c := range []byte(path) {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return path != ""
}
