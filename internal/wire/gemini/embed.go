package gemini

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// MaxBatch is how many contents one batch may hold.
const MaxBatch = 100

// Embed is the format of :embedContent and, with Batch, of :batchEmbedContents.
type Embed struct {
	// Model is what the caller asks for.
	Model string
	Batch bool
}

// Kind returns inference.Embeddings.
func (Embed) Kind() inference.Kind { return inference.Embeddings }

// Dialect returns inference.Gemini.
func (Embed) Dialect() inference.Dialect { return inference.Gemini }

// embedFacts is what is peeked of a request: where it names the model, and what is to be embedded.
type embedFacts struct {
	models   []jsonscan.Field
	contents []jsonscan.Field
	runMode  jsonscan.Field
	simulate bool
	bytes    int
}

const (
	eModel = iota
	eContent
	eRequests
	eRunMode
	numEmbedKeys
)

var embedKeys = jsonscan.NewKeys("model", "content", "requests", "runMode")

// IsBatch reports whether a request is one for :batchEmbedContents.
func IsBatch(body []byte) bool {
	var out [numEmbedKeys]jsonscan.Field
	_, _, err := embedKeys.Scan(body, out[:])
	return err == nil && out[eRequests].Found()
}

// Peek reads a request.
func (e Embed) Peek(body []byte) (wire.Ask, error) {
	a := wire.Ask{Model: e.Model, Choices: 1}
	var out [numEmbedKeys]jsonscan.Field
	if _, _, err := embedKeys.Scan(body, out[:]); err != nil {
		return a, scanFault(err)
	}
	f := embedFacts{runMode: out[eRunMode]}
	var err error
	if e.Batch {
		err = f.readBatch(body, e.Model, &out)
	} else {
		err = f.readOne(body, 0, e.Model, &out, "")
	}
	if err != nil {
		return a, err
	}
	if f.runMode.Found() {
		f.simulate = text(f.runMode.In(body)) == "simulation"
	}
	a.Simulation, a.FormatFacts, a.InputBound = f.simulate, &f, openai.BoundTokens(f.bytes)
	return a, nil
}

// readOne reads a request that stands at an offset.
func (f *embedFacts) readOne(body []byte, at int, model string, spans *[numEmbedKeys]jsonscan.Field, path string) error {
	if err := checkModel(body[at:], spans[eModel], model, path+"model"); err != nil {
		return err
	}
	content := spans[eContent]
	switch {
	case spans[eRequests].Found():
		return fault.ErrInvalid.Saying("'requests' belong to :batchEmbedContents.").At(path + "requests")
	case !content.Found() || !isObject(content.In(body[at:])):
		return fault.ErrInvalid.Saying("content is required").At(path + "content")
	}
	if spans[eModel].Found() {
		f.models = append(f.models, shifted(spans[eModel], at))
	}
	f.contents = append(f.contents, shifted(content, at))
	f.bytes += content.End - content.Start
	return nil
}

func (f *embedFacts) readBatch(body []byte, model string, spans *[numEmbedKeys]jsonscan.Field) error {
	list := spans[eRequests]
	if !list.Found() || list.In(body)[0] != '[' || emptyArray(list.In(body)) {
		return fault.ErrInvalid.Saying("requests is required").At("requests")
	}
	if spans[eContent].Found() || spans[eModel].Found() {
		return fault.ErrInvalid.Saying("A batch has its contents and models in 'requests'.").At("content")
	}
	n := 0
	for it := jsonscan.Elements(list.In(body)); it.Next(); n++ {
		path := "requests[" + strconv.Itoa(n) + "]."
		if n == MaxBatch {
			return fault.ErrInvalid.Saying("at most " + strconv.Itoa(MaxBatch) + " requests can be in one batch").At("requests")
		}
		var own [numEmbedKeys]jsonscan.Field
		if _, _, err := embedKeys.Scan(it.Value, own[:]); err != nil {
			return scanFault(err)
		}
		if err := f.readOne(body, offsetIn(body, it.Value), model, &own, path); err != nil {
			return err
		}
	}
	return nil
}

// offsetIn is where part, which is a part of body, begins.
func offsetIn(body, part []byte) int { return cap(body) - cap(part) }

func embedFactsOf(a *wire.Ask) *embedFacts {
	return a.FormatFacts.(*embedFacts) //nolint:forcetypeassert // what Peek stored
}

// said is all text that is to be embedded.
func (f *embedFacts) said(body []byte) (out string) {
	for _, content := range f.contents {
		parts(content.In(body), func(key, value []byte) {
			if string(key) == "text" {
				out += text(value) + "\n"
			}
		})
	}
	return out
}

// InputTokens estimates the texts.
func (Embed) InputTokens(body []byte, a *wire.Ask) int64 {
	return openai.EstimateTokens([]byte(embedFactsOf(a).said(body)))
}

// CountInput counts the texts by a model's vocabulary.
func (Embed) CountInput(body []byte, a *wire.Ask, family tokens.Family) int64 {
	return tokens.Count(family, embedFactsOf(a).said(body))
}

// CountAnswer returns nothing: embeddings produce no tokens.
func (Embed) CountAnswer([]byte, tokens.Family) int64 { return 0 }

// Text returns the texts, at most limit bytes of them and the rest of the character in which they end.
func (Embed) Text(body []byte, a *wire.Ask, limit int) string {
	said := embedFactsOf(a).said(body)
	for i := range said {
		if i >= limit {
			return said[:i]
		}
	}
	return said
}

// Edit exchanges the model wherever it is named; runMode is Gantry's own and never goes out.
func (Embed) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	f := embedFactsOf(a)
	var list []jsonscan.Edit
	if c.Model != "" {
		name := jsondoc.AppendString(nil, "models/"+c.Model)
		for _, span := range f.models {
			list = append(list, jsonscan.Edit{Field: span, Text: name})
		}
	}
	if f.runMode.Found() {
		list = append(list, jsonscan.Edit{Field: jsonscan.Member(body, f.runMode)})
	}
	if len(list) == 0 && dst == nil {
		return body
	}
	return jsonscan.Apply(dst, body, list...)
}

var embeddingKeys = jsonscan.NewKeys("embedding", "embeddings", "usageMetadata", "error")

// Answer meters an answer. Few models tell their usage here.
func (e Embed) Answer(body []byte) (wire.Metered, bool) {
	var out [4]jsonscan.Field
	if _, _, err := embeddingKeys.Scan(body, out[:]); err != nil || out[3].Found() {
		return wire.Metered{}, false
	}
	one, several := out[0].In(body), out[1].In(body)
	if !isObject(one) && !e.Batch || e.Batch && (len(several) == 0 || several[0] != '[') {
		return wire.Metered{}, false
	}
	var m wire.Metered
	m.Usage, m.Known = Usage(out[2].In(body))
	return m, true
}

// Meter returns a meter for nothing: embeddings are not streamed.
func (Embed) Meter(wire.MeterOptions) wire.Meter { return &meter{choices: 1} }

// End returns nothing.
func (Embed) End() []byte { return nil }

// ErrorBody writes Google's envelope.
func (Embed) ErrorBody(f *fault.Error) []byte { return ErrorBody(f) }

// ErrorFrame writes the envelope as an event.
func (Embed) ErrorFrame(f *fault.Error) []byte { return openai.AppendFrame(nil, ErrorBody(f)) }

var (
	_ wire.Format   = Embed{}
	_ wire.Texter   = Embed{}
	_ wire.Counting = Embed{}
)
