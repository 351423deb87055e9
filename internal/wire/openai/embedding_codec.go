package openai

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EmbeddingCodec translates embeddings. Beyond OpenAI's own words it knows those with which Cohere, Voyage and Jina say what
// texts are embedded for. Sources: the provider sheets "openai", section 3, and "rerank-jina-cohere".
var EmbeddingCodec wire.EmbeddingCodec = embeddingCodec{}

type embeddingCodec struct{}

var errNoVectors = errors.New("openai: these are no embeddings")

// Dialect returns inference.OpenAI.
func (embeddingCodec) Dialect() inference.Dialect { return inference.OpenAI }

// purposes are the words of callers for what texts are embedded for.
var purposes = map[string]inference.Purpose{
	"search_query": inference.ForQuery, "query": inference.ForQuery, "retrieval.query": inference.ForQuery,
	"search_document": inference.ForDocument, "document": inference.ForDocument, "passage": inference.ForDocument,
	"retrieval.passage": inference.ForDocument, "text-matching": inference.ForSimilarity, "separation": inference.ForClustering,
	"classification": inference.ForClassification, "clustering": inference.ForClustering, "code.query": inference.ForCodeQuery,
}

// purposeWords are how models are told, by the beginnings of their names.
var purposeWords = [...]struct {
	begins, member string
	words          map[inference.Purpose]string
}{
	{"embed-", "input_type", map[inference.Purpose]string{
		inference.ForQuery: "search_query", inference.ForDocument: "search_document", inference.ForClassification: "classification",
		inference.ForClustering: "clustering", inference.ForQuestion: "search_query", inference.ForFact: "search_query",
		inference.ForCodeQuery: "search_query",
	}},
	{"voyage-", "input_type", map[inference.Purpose]string{
		inference.ForQuery: "query", inference.ForDocument: "document", inference.ForQuestion: "query", inference.ForFact: "query",
		inference.ForCodeQuery: "query",
	}},
	{"jina-", "task", map[inference.Purpose]string{
		inference.ForQuery: "retrieval.query", inference.ForDocument: "retrieval.passage", inference.ForSimilarity: "text-matching",
		inference.ForClassification: "classification", inference.ForClustering: "separation", inference.ForQuestion: "retrieval.query",
		inference.ForFact: "retrieval.query", inference.ForCodeQuery: "retrieval.query",
	}},
}

// DecodeEmbedding reads a request. Inputs that are tokens mean something to OpenAI's models alone.
func (embeddingCodec) DecodeEmbedding(body []byte) (*inference.Embedding, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	e := &inference.Embedding{}
	shared := inference.EmbeddingInput{}
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "model":
			return v.Text(&e.Model)
		case "input":
			return embeddingInputs(e, v)
		case "dimensions":
			return v.Whole(&shared.Dimensions)
		case "encoding_format":
			format, err := v.String()
			e.Packed = format == "base64"
			return err
		case "user":
			return v.Text(&e.User)
		case "input_type", "task":
			word, err := v.String()
			if shared.Purpose = purposes[strings.ToLower(word)]; shared.Purpose == "" && word != "" {
				e.Rest = append(e.Rest, inference.Rest{Dialect: inference.OpenAI, Kind: inference.Embeddings, Path: v.Path, Value: v.Raw})
			}
			return err
		case "runMode": // Gantry's own
			return nil
		}
		e.Rest = append(e.Rest, inference.Rest{Dialect: inference.OpenAI, Kind: inference.Embeddings, Path: v.Path, Value: v.Raw})
		return nil
	})
	if err == nil && len(e.Inputs) == 0 {
		err = fault.ErrInvalid.Saying("input is required").At("input")
	}
	for i := range e.Inputs {
		e.Inputs[i].Dimensions, e.Inputs[i].Purpose = shared.Dimensions, shared.Purpose
	}
	return e, err
}

func embeddingInputs(e *inference.Embedding, v jsondoc.Value) error {
	add := func(v jsondoc.Value) error {
		if !v.IsString() {
			return wire.ErrUntranslatable.Saying("The model takes texts, not tokens.").At(v.Path)
		}
		text, err := v.String()
		e.Inputs = append(e.Inputs, inference.EmbeddingInput{Text: text, Path: v.Path})
		return err
	}
	if !v.IsArray() {
		return add(v)
	}
	e.Several = true
	return v.Elements(add)
}

// EncodeEmbedding writes a request. Vectors come as numbers: whoever asked can have them packed.
func (embeddingCodec) EncodeEmbedding(e *inference.Embedding, l *wire.Losses) ([]byte, error) {
	first := &e.Inputs[0]
	w := jsondoc.Writer{B: make([]byte, 0, 256)}
	w.Open('{').Key("model").Str(e.Model).Key("input").Open('[')
	for i := range e.Inputs {
		in := &e.Inputs[i]
		if in.Dimensions != first.Dimensions || in.Purpose != first.Purpose {
			return nil, l.Refuse(in.Path, "All texts of a request are embedded alike.")
		}
		if err := l.Parameters("Embeddings have no titles.", wire.Given{Path: in.Path + ".title", Value: in.Title}); err != nil {
			return nil, err
		}
		w.Str(in.Text)
	}
	w.Close(']')
	if first.Dimensions > 0 {
		w.Key("dimensions").Int(first.Dimensions)
	}
	if err := writePurpose(&w, e.Model, first, l); err != nil {
		return nil, err
	}
	w.Key("encoding_format").Str("float").Text("user", e.User)
	own := func(r *inference.Rest) bool { return r.Dialect == inference.OpenAI && r.Kind == inference.Embeddings }
	err := l.Rest(&w, e.Rest, own, "Embeddings have no such parameter.")
	w.Close('}')
	return w.B, err
}

// writePurpose tells the models that take it what texts are embedded for.
func writePurpose(w *jsondoc.Writer, model string, in *inference.EmbeddingInput, l *wire.Losses) error {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	for i := range purposeWords {
		p := &purposeWords[i]
		if word := p.words[in.Purpose]; word != "" && strings.HasPrefix(name, p.begins) {
			w.Key(p.member).Str(word)
			return nil
		}
	}
	return l.Parameters("The model is not told what texts are embedded for.",
		wire.Given{Path: in.Path + ".purpose", Value: string(in.Purpose)})
}

// DecodeVectors reads an answer. Vectors are put in the order of their inputs.
func (embeddingCodec) DecodeVectors(body []byte) (*inference.Vectors, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	out := &inference.Vectors{}
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "model":
			return v.Text(&out.Model)
		case "data":
			return v.Elements(func(v jsondoc.Value) error { return readVector(out, v) })
		case "error":
			if v.Given() {
				return errNoVectors
			}
		}
		return nil
	})
	for _, v := range out.Values {
		if err == nil && v == nil {
			err = errNoVectors
		}
	}
	out.Usage, out.HasUsage = Usage(inference.Embeddings, body)
	return out, err
}

// maxVectors is more than inputs can be.
const maxVectors = 1 << 16

func readVector(out *inference.Vectors, v jsondoc.Value) error {
	index := int64(len(out.Values))
	var numbers json.RawMessage
	ok := false
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "index":
			return v.Whole(&index)
		case "embedding":
			numbers, ok = UnpackVector(v.Raw)
		}
		return nil
	})
	if err != nil || !ok || index < 0 || index >= maxVectors {
		return errNoVectors
	}
	for int64(len(out.Values)) <= index {
		out.Values = append(out.Values, nil)
	}
	out.Values[index] = numbers
	return nil
}

// EncodeVectors writes an answer.
func (embeddingCodec) EncodeVectors(v *inference.Vectors, e *inference.Embedding) ([]byte, error) {
	w := jsondoc.Writer{B: make([]byte, 0, 1024)}
	w.Open('{').Key("object").Str("list").Key("data").Open('[')
	for i, numbers := range v.Values {
		if e.Packed {
			var ok bool
			if numbers, ok = PackVector(numbers); !ok {
				return nil, errNoVectors
			}
		}
		w.Open('{').Key("object").Str("embedding").Key("index").Raw(strconv.Itoa(i)).Key("embedding").Bytes(numbers).Close('}')
	}
	w.Close(']').Key("model").Str(v.Model)
	if v.HasUsage {
		in := v.Usage.InputTokens()
		w.Key("usage").Open('{').Key("prompt_tokens").Int(in).Key("total_tokens").Int(in).Close('}')
	}
	w.Close('}')
	return w.B, nil
}
