package gemini

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// Model is an entry of a model list.
type Model struct {
	// Name is without "models/".
	Name, DisplayName string
	// InputLimit and OutputLimit are tokens; 0 means unknown.
	InputLimit, OutputLimit int64
	// Methods are what it can be called with, such as generateContent.
	Methods []string
}

// Methods of models.
var (
	GenerateMethods = []string{"generateContent", "streamGenerateContent", "countTokens"}
	EmbedMethods    = []string{"embedContent", "batchEmbedContents"}
)

// Append appends the model as JSON, as GET models/{model} answers it.
func (m *Model) Append(b []byte) []byte {
	b = jsondoc.AppendString(append(b, `{"name":`...), "models/"+m.Name)
	b = jsondoc.AppendString(append(b, `,"version":"001","displayName":`...), m.DisplayName)
	if m.InputLimit > 0 {
		b = strconv.AppendInt(append(b, `,"inputTokenLimit":`...), m.InputLimit, 10)
	}
	if m.OutputLimit > 0 {
		b = strconv.AppendInt(append(b, `,"outputTokenLimit":`...), m.OutputLimit, 10)
	}
	b = append(b, `,"supportedGenerationMethods":[`...)
	for i, method := range m.Methods {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendString(b, method)
	}
	return append(b, "]}"...)
}

// ModelList returns the answer of GET models. next is the token of the page that follows; empty when none does.
func ModelList(items []Model, next string) []byte {
	b := append(make([]byte, 0, 32+256*len(items)), `{"models":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = items[i].Append(b)
	}
	b = append(b, ']')
	if next != "" {
		b = jsondoc.AppendString(append(b, `,"nextPageToken":`...), next)
	}
	return append(b, '}')
}

// ParseModels reads the names of a page of models and the token of the next page; false when it is none.
func ParseModels(body []byte) (names []string, next string, ok bool) {
	var page struct {
		Models []struct {
			Name string `json:"name"`
		} `json:"models"`
		NextPageToken string `json:"nextPageToken"`
	}
	if json.Unmarshal(body, &page) != nil || page.Models == nil && page.NextPageToken == "" && strings.TrimSpace(string(body)) != "{}" {
		return nil, "", false
	}
	for _, m := range page.Models {
		if name := strings.TrimPrefix(m.Name, "models/"); name != "" {
			names = append(names, name)
		}
	}
	return names, page.NextPageToken, true
}
