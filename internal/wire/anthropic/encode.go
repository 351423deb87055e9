package anthropic

import (
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/claude"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EncodeRequest writes a request for a message.
func (codec) EncodeRequest(p *inference.Prompt, o wire.EncodeOptions, l *wire.Losses) ([]byte, error) {
	e := encoder{p: p, o: o, l: l, limit: outputLimit(p, o), claude: claude.Of(p.Model)}
	e.w.B = make([]byte, 0, 1024)
	e.w.Open('{').Key("model").Str(p.Model).Key("max_tokens").Int(e.limit)
	if p.MaxOutput > e.limit {
		l.Changed("max_tokens", strconv.FormatInt(p.MaxOutput, 10), strconv.FormatInt(e.limit, 10), "The model puts out no more.")
	}
	if p.Choices > 1 {
		return nil, l.Refuse("n", "The upstream gives one answer at a time.")
	}
	for _, step := range []func() error{
		e.arrange, e.reasoning, e.system, e.messages, e.tools, e.sampling, e.output, e.circumstances, e.rest,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e.w.Close('}')
	return e.w.B, nil
}

// usualOutput is the limit of a request without one to a model whose own is not known.
const usualOutput = 4096

func outputLimit(p *inference.Prompt, o wire.EncodeOptions) int64 {
	switch {
	case p.MaxOutput > 0 && (o.ModelOutput == 0 || p.MaxOutput <= o.ModelOutput):
		return p.MaxOutput
	case o.ModelOutput > 0:
		return o.ModelOutput
	}
	return usualOutput
}

type encoder struct {
	p     *inference.Prompt
	o     wire.EncodeOptions
	l     *wire.Losses
	w     jsondoc.Writer
	limit int64
	turns []inference.Turn // as this format has them
	// budget is what the model may think, in tokens; 0: it does not think, or as it likes where adaptive says so.
	budget   int64
	adaptive bool
	claude   claude.Model
	marks    int // of the cache that were written
}

func (e *encoder) thinks() bool { return e.budget > 0 || e.adaptive }

// maxMarks is how many points of a prompt can be marked for the cache.
const maxMarks = 4

// cache writes a mark, as far as there is room for it.
func (e *encoder) cache(m *inference.CacheMark, path string) {
	if m == nil {
		return
	}
	if e.marks == maxMarks {
		e.l.Changed(path+".cache_control", "marked", "", "At most four points of a prompt can be marked for the cache.")
		return
	}
	e.marks++
	e.w.Key("cache_control").Open('{').Key("type").Str("ephemeral")
	if m.TTL == "5m" || m.TTL == "1h" {
		e.w.Key("ttl").Str(m.TTL)
	}
	e.w.Close('}')
}

// jsonHint asks for JSON where the format has no word for it but a schema.
const jsonHint = "Answer with one JSON object and nothing else."

// system writes the instructions that precede the conversation.
func (e *encoder) system() error {
	var parts []inference.Part
	for i := range e.p.System {
		p := &e.p.System[i]
		switch {
		case p.Kind != inference.PartText:
			if err := e.cannot(p); err != nil {
				return err
			}
		case strings.TrimSpace(p.Text) != "":
			parts = append(parts, *p)
		}
	}
	if e.p.Output.Kind == inference.OutputJSON {
		parts = append(parts, inference.Part{Text: jsonHint})
		e.l.Changed("response_format", "json_object", "an instruction", "The upstream knows no JSON mode without a schema.")
	}
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1 && parts[0].Cache == nil:
		e.w.Key("system").Str(parts[0].Text)
		return nil
	}
	e.w.Key("system").Open('[')
	for i := range parts {
		e.text(&parts[i])
	}
	e.w.Close(']')
	return nil
}

func (e *encoder) output() error {
	o := &e.p.Output
	effort := e.effort()
	if o.Kind == inference.OutputSchema || effort != "" {
		e.w.Key("output_config").Open('{').Text("effort", effort)
		if o.Kind == inference.OutputSchema {
			schema, closed := wire.ClosedSchema(o.Schema)
			if closed {
				e.l.Changed("response_format", "open objects", "closed objects", "The upstream wants schemas that name all properties.")
			}
			e.w.Key("format").Open('{').Key("type").Str("json_schema").Member("schema", schema).Close('}')
		}
		e.w.Close('}')
	}
	for _, m := range o.Modalities {
		if m != "text" {
			if err := e.l.Content("modalities", m, "The upstream answers with text alone."); err != nil {
				return err
			}
		}
	}
	return nil
}

const maxUser = 256

func (e *encoder) circumstances() error {
	p := e.p
	if p.Stream {
		e.w.Key("stream").Bool(true)
	}
	if user := p.User; user != "" {
		if len(user) > maxUser {
			user = callID(user + " ") // the same short name each time
		}
		e.w.Key("metadata").Open('{').Key("user_id").Str(user).Close('}')
	}
	if err := e.l.Continues(p); err != nil {
		return err
	}
	return e.l.Parameters(noParameter, []wire.Given{
		{Path: "verbosity", Value: p.Verbosity},
		{Path: "prompt_cache_key", Value: p.CacheKey},
		wire.GivenTrue("store", p.Store),
		{Path: "metadata", Value: string(p.Metadata)},
		{Path: "service_tier", Value: e.tier()},
	}...)
}

// tier writes the service tier where the upstream has it, and returns what it does not have.
func (e *encoder) tier() string {
	switch e.p.ServiceTier {
	case "":
	case "auto":
		e.w.Key("service_tier").Str("auto")
	case "default", "standard_only":
		e.w.Key("service_tier").Str("standard_only")
	default:
		return e.p.ServiceTier
	}
	return ""
}

const noParameter = "Messages have no such parameter."

// rest puts back what came from this format. What came from another one has no words here.
func (e *encoder) rest() error {
	return e.l.Rest(&e.w, e.p.Rest, isOurs, noParameter)
}
