package gemini

import (
	"errors"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// EmbeddingCodec translates embedContent and batchEmbedContents; which of them a request is, is seen from it.
// Source: the provider sheet "gemini", section 1.
var EmbeddingCodec wire.EmbeddingCodec = embeddingCodec{}

type embeddingCodec struct{}

var errNoVectors = errors.New("gemini: these are no embeddings")

// Dialect returns inference.Gemini.
func (embeddingCodec) Dialect() inference.Dialect { return inference.Gemini }

// tasks are Google's words for what texts are embedded for.
var tasks = map[inference.Purpose]string{
	inference.ForQuery: "RETRIEVAL_QUERY", inference.ForDocument: "RETRIEVAL_DOCUMENT", inference.ForSimilarity: "SEMANTIC_SIMILARITY",
	inference.ForClassification: "CLASSIFICATION", inference.ForClustering: "CLUSTERING", inference.ForQuestion: "QUESTION_ANSWERING",
	inference.ForFact: "FACT_VERIFICATION", inference.ForCodeQuery: "CODE_RETRIEVAL_QUERY",
}

func purposeOf(task string) inference.Purpose {
	for purpose, word := range tasks {
		if word == task {
			return purpose
		}
	}
	return ""
}

// DecodeEmbedding reads a request.
func (embeddingCodec) DecodeEmbedding(body []byte) (*inference.Embedding, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	e := &inference.Embedding{Several: IsBatch(body)}
	if !e.Several {
		return e, readEmbed(e, doc)
	}
	err = doc.Members(func(key string, v jsondoc.Value) error {
		if key != "requests" {
			return nil
		}
		return v.Elements(func(v jsondoc.Value) error { return readEmbed(e, v) })
	})
	if err == nil && len(e.Inputs) == 0 {
		err = required("requests", "requests is required")
	}
	return e, err
}

// readEmbed reads one request, of a batch or alone.
func readEmbed(e *inference.Embedding, v jsondoc.Value) error {
	in := inference.EmbeddingInput{Path: v.Path}
	rest := func(v jsondoc.Value) {
		e.Rest = append(e.Rest, inference.Rest{Dialect: inference.Gemini, Kind: inference.Embeddings, Path: v.Path, Value: v.Raw})
	}
	content := false
	err := v.Members(func(key string, v jsondoc.Value) error {
		if !v.Given() {
			return nil
		}
		switch camel(key) {
		case "model", "runMode":
		case "content":
			content = true
			return readEmbedContent(&in, v)
		case "title":
			return v.Text(&in.Title)
		case "outputDimensionality":
			return v.Whole(&in.Dimensions)
		case "taskType":
			word, err := v.String()
			if in.Purpose = purposeOf(strings.ToUpper(word)); in.Purpose == "" && word != "TASK_TYPE_UNSPECIFIED" {
				rest(v)
			}
			return err
		default:
			rest(v)
		}
		return nil
	})
	if err == nil && !content {
		err = required(v.Path+".content", "content is required")
	}
	e.Inputs = append(e.Inputs, in)
	return err
}

// readEmbedContent reads the text of a content, whose parts become one vector.
func readEmbedContent(in *inference.EmbeddingInput, v jsondoc.Value) error {
	in.Path = v.Path
	var texts []string
	err := v.Members(func(key string, v jsondoc.Value) error {
		if key != "parts" {
			return nil
		}
		return v.Elements(func(v jsondoc.Value) error {
			return v.Members(func(key string, v jsondoc.Value) error {
				if key != "text" {
					return wire.ErrUntranslatable.Saying("The model embeds texts alone.").At(v.Path)
				}
				text, err := v.String()
				texts = append(texts, text)
				return err
			})
		})
	})
	in.Text = strings.Join(texts, "\n")
	return err
}

// EncodeEmbedding writes a request: a batch, unless one input is all there is.
func (embeddingCodec) EncodeEmbedding(e *inference.Embedding, l *wire.Losses) ([]byte, error) {
	const reason = "Gemini's embeddings have no such parameter."
	if len(e.Inputs) > MaxBatch {
		return nil, l.Refuse("input", "Gemini embeds at most a hundred texts at once.")
	}
	if err := l.Parameters(reason, wire.Given{Path: "user", Value: e.User}); err != nil {
		return nil, err
	}
	for i := range e.Rest {
		if err := l.Parameter(e.Rest[i].Path, string(e.Rest[i].Value), reason); err != nil {
			return nil, err
		}
	}
	w := jsondoc.Writer{B: make([]byte, 0, 256)}
	if len(e.Inputs) == 1 {
		w.Open('{')
		writeEmbed(&w, e.Model, &e.Inputs[0])
		return w.Close('}').B, nil
	}
	w.Open('{').Key("requests").Open('[')
	for i := range e.Inputs {
		w.Open('{')
		writeEmbed(&w, e.Model, &e.Inputs[i])
		w.Close('}')
	}
	return w.Close(']').Close('}').B, nil
}

func writeEmbed(w *jsondoc.Writer, model string, in *inference.EmbeddingInput) {
	if !strings.Contains(model, "/") {
		model = "models/" + model
	}
	w.Key("model").Str(model).Key("content").Open('{').Key("parts").Open('[').Open('{').Key("text").Str(in.Text).
		Close('}').Close(']').Close('}').Text("taskType", tasks[in.Purpose]).Text("title", in.Title)
	if in.Dimensions > 0 {
		w.Key("outputDimensionality").Int(in.Dimensions)
	}
}

// DecodeVectors reads an answer of either form.
func (embeddingCodec) DecodeVectors(body []byte) (*inference.Vectors, error) {
	doc, err := jsondoc.Parse(body)
	if err != nil {
		return nil, err
	}
	out := &inference.Vectors{}
	err = doc.Members(func(key string, v jsondoc.Value) error {
		switch camel(key) {
		case "embedding":
			return readVector(out, v)
		case "embeddings":
			return v.Elements(func(v jsondoc.Value) error { return readVector(out, v) })
		case "usageMetadata":
			out.Usage, out.HasUsage = Usage(v.Raw)
		case "error":
			return errNoVectors
		}
		return nil
	})
	return out, err
}

func readVector(out *inference.Vectors, v jsondoc.Value) error {
	found := false
	err := v.Members(func(key string, v jsondoc.Value) error {
		if key == "values" && v.IsArray() {
			found = true
			out.Values = append(out.Values, v.Raw)
		}
		return nil
	})
	if err == nil && !found {
		err = errNoVectors
	}
	return err
}

// EncodeVectors writes an answer of the form that was asked for.
func (embeddingCodec) EncodeVectors(v *inference.Vectors, e *inference.Embedding) ([]byte, error) {
	w := jsondoc.Writer{B: make([]byte, 0, 1024)}
	w.Open('{')
	if e.Several {
		w.Key("embeddings").Open('[')
		for _, values := range v.Values {
			w.Open('{').Key("values").Bytes(values).Close('}')
		}
		w.Close(']')
	} else {
		w.Key("embedding").Open('{').Key("values").Bytes(v.Values[0]).Close('}')
	}
	if v.HasUsage {
		in := v.Usage.InputTokens()
		w.Key("usageMetadata").Open('{').Key("promptTokenCount").Int(in).Key("totalTokenCount").Int(in).Close('}')
	}
	return w.Close('}').B, nil
}
