package anthropic

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// Model is an entry of a model list. Limits of 0 are unknown.
type Model struct {
	ID             string
	DisplayName    string
	CreatedAt      time.Time
	MaxInputTokens int64
	MaxTokens      int64
}

// Append appends the model as JSON, as GET /v1/models/{id} answers it.
func (m *Model) Append(b []byte) []byte {
	b = jsondoc.AppendString(append(b, `{"type":"model","id":`...), m.ID)
	name := m.DisplayName
	if name == "" {
		name = m.ID
	}
	b = jsondoc.AppendString(append(b, `,"display_name":`...), name)
	b = jsondoc.AppendString(append(b, `,"created_at":`...), m.CreatedAt.UTC().Format(time.RFC3339))
	for _, limit := range [...]struct {
		name string
		n    int64
	}{{"max_input_tokens", m.MaxInputTokens}, {"max_tokens", m.MaxTokens}} {
		if limit.n > 0 {
			b = append(append(append(b, `,"`...), limit.name...), `":`...)
			b = strconv.AppendInt(b, limit.n, 10)
		}
	}
	return append(b, '}')
}

// ModelList returns a page of models, in the order given; more says that others follow.
func ModelList(items []Model, more bool) []byte {
	b := append(make([]byte, 0, 96+160*len(items)), `{"data":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = items[i].Append(b)
	}
	b = strconv.AppendBool(append(b, `],"has_more":`...), more)
	if len(items) == 0 {
		return append(b, `,"first_id":null,"last_id":null}`...)
	}
	b = jsondoc.AppendString(append(b, `,"first_id":`...), items[0].ID)
	return append(jsondoc.AppendString(append(b, `,"last_id":`...), items[len(items)-1].ID), '}')
}

// ParseModels reads the ids of a page of models and where the next one begins; "" where there is none. ok is false for what
// is no such page.
func ParseModels(body []byte) (ids []string, next string, ok bool) {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
		HasMore bool   `json:"has_more"`
		LastID  string `json:"last_id"`
	}
	if json.Unmarshal(body, &list) != nil || list.Data == nil {
		return nil, "", false
	}
	for _, m := range list.Data {
		if m.ID != "" {
			ids = append(ids, m.ID)
		}
	}
	if list.HasMore {
		next = list.LastID
	}
	return ids, next, true
}

// TokenCount returns the answer to a request for a count.
func TokenCount(n int64) []byte {
	return append(strconv.AppendInt([]byte(`{"input_tokens":`), n, 10), '}')
}

// ParseTokenCount reads such an answer; false for what is none.
func ParseTokenCount(body []byte) (int64, bool) {
	var answer struct {
		InputTokens *int64 `json:"input_tokens"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.InputTokens == nil || *answer.InputTokens < 0 {
		return 0, false
	}
	return *answer.InputTokens, true
}
