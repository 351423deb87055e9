package gemini

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

var (
	contentKeys  = jsonscan.NewKeys("role", "parts")
	exchangeKeys = jsonscan.NewKeys("functionCall", "function_call", "functionResponse", "function_response")
	idKey        = jsonscan.NewKeys("id")
	contentsKey  = jsonscan.NewKeys("contents")
)

// ForVertex returns a request as Vertex AI wants it: contents name their role, and calls and responses have no ids, which some
// of its versions do not know. A request that needs nothing is returned as it is. Source: the provider sheet, section 7.
func ForVertex(body []byte) []byte {
	var out [1]jsonscan.Field
	if _, _, err := contentsKey.Scan(body, out[:]); err != nil {
		return body
	}
	var list []jsonscan.Edit
	for it := jsonscan.AnyElements(out[0].In(body)); it.Next(); {
		list = fitContent(list, body, it.Value)
	}
	if len(list) == 0 {
		return body
	}
	return jsonscan.Apply(nil, body, list...)
}

func fitContent(list []jsonscan.Edit, body, content []byte) []jsonscan.Edit {
	var out [2]jsonscan.Field
	members, at, err := contentKeys.Scan(content, out[:])
	if err != nil {
		return list
	}
	from := offsetIn(body, content)
	if !out[0].Found() {
		role := `"role":"user"`
		if members > 0 {
			role += ","
		}
		list = append(list, jsonscan.Edit{At: from + at, Text: []byte(role)})
	}
	for it := jsonscan.AnyElements(out[1].In(content)); it.Next(); {
		list = fitPart(list, body, it.Value)
	}
	return list
}

func fitPart(list []jsonscan.Edit, body, part []byte) []jsonscan.Edit {
	var out [4]jsonscan.Field
	if _, _, err := exchangeKeys.Scan(part, out[:]); err != nil {
		return list
	}
	for _, span := range out {
		object := span.In(part)
		var id [1]jsonscan.Field
		if !isObject(object) {
			continue
		}
		if _, _, err := idKey.Scan(object, id[:]); err == nil && id[0].Found() {
			member := jsonscan.Member(object, id[0])
			list = append(list, jsonscan.Edit{Field: shifted(member, offsetIn(body, object))})
		}
	}
	return list
}

// ErrEmbed says that a request cannot be made as Vertex AI makes embeddings.
var ErrEmbed = errors.New("gemini: the requests of a batch must want the same dimensions")

type embedRequest struct {
	Content struct {
		Parts []struct {
			Text string `json:"text"`
		} `json:"parts"`
	} `json:"content"`
	TaskType      string `json:"taskType"`
	Task          string `json:"task_type"`
	Title         string `json:"title"`
	Dimensions    int64  `json:"outputDimensionality"`
	DimensionsToo int64  `json:"output_dimensionality"`
}

type instance struct {
	Content  string `json:"content"`
	TaskType string `json:"task_type,omitempty"`
	Title    string `json:"title,omitempty"`
}

type prediction struct {
	Instances  []instance       `json:"instances"`
	Parameters map[string]int64 `json:"parameters,omitempty"`
}

// ToPredict makes a request for embeddings one for Vertex AI's :predict. Errors: ErrEmbed, and that of a body that is none.
func ToPredict(body []byte) ([]byte, error) {
	var batch struct {
		embedRequest
		Requests []embedRequest `json:"requests"`
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	list := batch.Requests
	if len(list) == 0 {
		list = []embedRequest{batch.embedRequest}
	}
	var p prediction
	for i := range list {
		r := &list[i]
		if r.dimensions() != list[0].dimensions() {
			return nil, ErrEmbed
		}
		p.Instances = append(p.Instances, r.instance())
	}
	if n := list[0].dimensions(); n > 0 {
		p.Parameters = map[string]int64{"outputDimensionality": n}
	}
	return json.Marshal(p)
}

func (r *embedRequest) dimensions() int64 { return max(r.Dimensions, r.DimensionsToo) }

func (r *embedRequest) instance() instance {
	var said []string
	for _, part := range r.Content.Parts {
		said = append(said, part.Text)
	}
	out := instance{Content: strings.Join(said, "\n"), TaskType: r.TaskType, Title: r.Title}
	if out.TaskType == "" {
		out.TaskType = r.Task
	}
	return out
}

// FromPredict makes the answer of :predict one of :embedContent or, with batch, of :batchEmbedContents, with the tokens that
// were counted. It reports false when it is none.
func FromPredict(body []byte, batch bool) ([]byte, bool) {
	var answer struct {
		Predictions []struct {
			Embeddings struct {
				Values     json.RawMessage `json:"values"`
				Statistics struct {
					Tokens json.Number `json:"token_count"`
				} `json:"statistics"`
			} `json:"embeddings"`
		} `json:"predictions"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Predictions) == 0 || !batch && len(answer.Predictions) != 1 {
		return nil, false
	}
	var out bytes.Buffer
	total := int64(0)
	for i := range answer.Predictions {
		e := &answer.Predictions[i].Embeddings
		if len(e.Values) == 0 || e.Values[0] != '[' {
			return nil, false
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`{"values":`)
		out.Write(e.Values)
		out.WriteByte('}')
		total += wholeTokens(e.Statistics.Tokens)
	}
	return wrapEmbeddings(out.Bytes(), batch, total), true
}

// wholeTokens reads a count, which Vertex AI writes as 4 or as 4.0.
func wholeTokens(n json.Number) int64 {
	text, _, _ := strings.Cut(n.String(), ".")
	count, err := json.Number(text).Int64()
	if err != nil || count < 0 {
		return 0
	}
	return count
}

func wrapEmbeddings(list []byte, batch bool, total int64) []byte {
	out := []byte(`{"embedding":`)
	if batch {
		out = []byte(`{"embeddings":[`)
	}
	out = append(out, list...)
	if batch {
		out = append(out, ']')
	}
	if total > 0 {
		out = strconv.AppendInt(append(out, `,"usageMetadata":{"promptTokenCount":`...), total, 10)
		out = append(strconv.AppendInt(append(out, `,"totalTokenCount":`...), total, 10), '}')
	}
	return append(out, '}')
}
