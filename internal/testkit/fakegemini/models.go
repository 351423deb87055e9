package fakegemini

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func entry(name string) object {
	methods := []string{"generateContent", "countTokens", "createCachedContent", "batchGenerateContent"}
	if strings.Contains(name, "embedding") {
		methods = []string{"embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent"}
	}
	return object{
		"name": "models/" + name, "version": "001", "displayName": name, "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
		"supportedGenerationMethods": methods, "temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2, "thinking": true,
	}
}

// listing answers for the models, a page at a time, or for one.
func (e *exchange) listing(name string) *apiError {
	models := e.server.options.Models
	if name != "" {
		if !slices.Contains(models, name) {
			return notFound("models/" + name + " is not found for API version v1beta.")
		}
		writeJSON(e, http.StatusOK, entry(name))
		return nil
	}
	from, _ := strconv.Atoi(e.R.URL.Query().Get("pageToken"))
	size, err := strconv.Atoi(e.R.URL.Query().Get("pageSize"))
	if err != nil || size <= 0 || size > 1000 {
		size = 50
	}
	size = min(size, 2) // so that whoever lists must turn pages
	page := object{}
	var items []any
	for _, m := range models[min(from, len(models)):min(from+size, len(models))] {
		items = append(items, entry(m))
	}
	page["models"] = items
	if from+size < len(models) {
		page["nextPageToken"] = strconv.Itoa(from + size)
	}
	writeJSON(e, http.StatusOK, page)
	return nil
}

// vector is the embedding of a text: the same text has the same.
func vector(text string, dimensions int64) []float64 {
	out := make([]float64, dimensions)
	for i := range out {
		out[i] = float64((len(text)*31+i*7)%100) / 100
	}
	return out
}

var embedFields = []string{"model", "content", "taskType", "title", "outputDimensionality", "autoTruncate"}

func (e *exchange) embed(batch bool) *apiError {
	m, fault := decode(e.body)
	if fault != nil {
		return fault
	}
	if !strings.Contains(e.model, "embedding") || e.isCloud {
		return notFound("models/" + e.model + " is not found for API version v1beta, or is not supported for embedContent.")
	}
	if !batch {
		values, fault := e.embedOne(m, "", false)
		if fault != nil || e.obey(false) {
			return fault
		}
		writeJSON(e, http.StatusOK, object{"embedding": object{"values": values}})
		return nil
	}
	b, fault := fields(m, "", "requests")
	if fault != nil {
		return fault
	}
	list, fault := b.list("requests", "")
	if fault != nil || len(list) == 0 || len(list) > 100 {
		return invalid("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch")
	}
	var out []any
	for i, r := range list {
		values, fault := e.embedOne(r, index("requests", i), true)
		if fault != nil {
			return fault
		}
		out = append(out, object{"values": values})
	}
	if !e.obey(false) {
		writeJSON(e, http.StatusOK, object{"embeddings": out})
	}
	return nil
}

func (e *exchange) embedOne(v any, at string, needsModel bool) ([]float64, *apiError) {
	m, fault := fields(v, at, embedFields...)
	if fault != nil {
		return nil, fault
	}
	if named := m.text("model"); needsModel && named == "" || named != "" && named != "models/"+e.Rec.Model {
		return nil, invalid("* EmbedContentRequest.%s.model: unexpected model name format", at)
	}
	t, fault := e.checkContent(m["content"], at+"content")
	if fault != nil {
		return nil, fault
	}
	dimensions, fault := m.whole("outputDimensionality", 1, 3072)
	if fault != nil {
		return nil, fault
	}
	if dimensions == 0 {
		dimensions = 8
	}
	return vector(strings.Join(t.texts, " "), dimensions), nil
}
