package fakerank

import (
	"encoding/json"
	"net/http"
	"slices"
)

// CohereModels are the models that the fake of Cohere lists, one to a page.
var CohereModels = map[string][]string{"rerank": {"rerank-v3.5", "rerank-v4.0-pro"}, "embed": {"embed-v4.0"}}

// NewCohere returns a fake of Cohere's API v2.
func NewCohere() *Server {
	s := newServer(func(_ int, message string) any { return map[string]string{"id": "req-1", "message": message} })
	s.mount("/v2/rerank", operation{
		[]string{"model", "query", "documents"}, []string{"top_n", "max_tokens_per_doc", "priority"}, cohereRank,
	})
	s.mount("/v2/embed", operation{
		[]string{"model", "texts", "input_type", "embedding_types"}, []string{"output_dimension", "truncate", "priority"}, cohereEmbed,
	})
	s.mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		names := CohereModels[q.Get("endpoint")]
		at := max(0, slices.Index(names, q.Get("page_token")))
		out := map[string]any{"models": []any{map[string]any{"name": names[at], "endpoints": []string{q.Get("endpoint")}}}}
		if at+1 < len(names) {
			out["next_page_token"] = names[at+1]
		}
		write(w, http.StatusOK, out)
	})
	return s
}

func cohereRank(p params) (any, string) {
	documents := p.texts("documents")
	n, why := p.top("top_n", len(documents))
	if p.text("query") == "" || len(documents) == 0 || why != "" {
		return nil, "query, documents: texts are wanted. " + why
	}
	results := make([]any, n)
	for i := range results {
		results[i] = result(i, len(documents))
	}
	units := (len(documents) + 99) / 100
	return map[string]any{"id": "rank-1", "results": results, "meta": map[string]any{
		"api_version": map[string]string{"version": "2"}, "billed_units": map[string]int{"search_units": units},
	}}, ""
}

func cohereEmbed(p params) (any, string) {
	texts := p.texts("texts")
	if len(texts) == 0 || len(texts) > 96 {
		return nil, "texts: from 1 to 96 are taken"
	}
	if !slices.Contains([]string{"search_document", "search_query", "classification", "clustering"}, p.text("input_type")) {
		return nil, "input_type is invalid"
	}
	vectors, tokens := make([]any, len(texts)), 0
	for i, text := range texts {
		vectors[i], tokens = vector(text), tokens+len(text)
	}
	return map[string]any{
		"id": "embed-1", "embeddings": map[string]any{"float": vectors}, "texts": texts,
		"meta": map[string]any{"billed_units": map[string]int{"input_tokens": tokens}},
	}, ""
}

// NewJina returns a fake of Jina's API.
func NewJina() *Server {
	s := newServer(func(status int, message string) any {
		switch status {
		case http.StatusForbidden:
			return map[string]any{"detail": map[string]string{"code": "AUTHZ_INSUFFICIENT_BALANCE", "message": "Insufficient account balance"}}
		case http.StatusUnprocessableEntity:
			return map[string]any{"detail": []any{map[string]any{"loc": []string{"body"}, "msg": message, "type": "extra_forbidden"}}}
		}
		return map[string]string{"detail": message}
	})
	s.mount("/v1/rerank", operation{
		[]string{"model", "query", "documents"}, []string{"top_n", "return_documents", "truncation", "max_chunk_length"}, jinaRank,
	})
	s.mount("/v1/embeddings", operation{
		[]string{"model", "input"}, []string{"task", "dimensions", "embedding_type", "late_chunking", "truncate", "normalized"}, jinaEmbed,
	})
	return s
}

func jinaRank(p params) (any, string) {
	var documents []json.RawMessage
	_ = json.Unmarshal(p["documents"], &documents)
	n, why := p.top("top_n", len(documents))
	if len(documents) == 0 || why != "" {
		return nil, "documents are wanted. " + why
	}
	results := make([]any, n)
	for i := range results {
		r := result(i, len(documents))
		if p.flag("return_documents", true) {
			r["document"] = map[string]any{"text": documents[len(documents)-1-i]}
		}
		results[i] = r
	}
	return map[string]any{
		"model": p.text("model"), "object": "list", "usage": map[string]int{"total_tokens": 7 * len(documents)}, "results": results,
	}, ""
}

func jinaEmbed(p params) (any, string) {
	var inputs []json.RawMessage
	if json.Unmarshal(p["input"], &inputs) != nil || len(inputs) == 0 {
		return nil, "input must be a list"
	}
	data := make([]any, len(inputs))
	for i := range inputs {
		var v any = vector(string(inputs[i]))
		if p.text("embedding_type") == "base64" {
			v = "AAAAPwAAgL4="
		}
		data[i] = map[string]any{"object": "embedding", "index": i, "embedding": v}
	}
	return map[string]any{
		"model": p.text("model"), "object": "list", "data": data, "usage": map[string]int{"total_tokens": 3 * len(inputs), "prompt_tokens": 3 * len(inputs)},
	}, ""
}

// NewVoyage returns a fake of Voyage's API.
func NewVoyage() *Server {
	s := newServer(func(_ int, message string) any { return map[string]string{"detail": message} })
	s.mount("/v1/rerank", operation{
		[]string{"model", "query", "documents"}, []string{"top_k", "return_documents", "truncation"}, voyageRank,
	})
	s.mount("/v1/embeddings", operation{
		[]string{"model", "input"}, []string{"input_type", "truncation", "output_dimension", "output_dtype", "encoding_format"}, voyageEmbed,
	})
	return s
}

func voyageRank(p params) (any, string) {
	documents := p.texts("documents")
	n, why := p.top("top_k", len(documents))
	if len(documents) == 0 || why != "" {
		return nil, "documents: texts are wanted. " + why
	}
	data := make([]any, n)
	for i := range data {
		data[i] = result(i, len(documents))
	}
	return map[string]any{
		"object": "list", "data": data, "model": p.text("model"), "usage": map[string]int{"total_tokens": 5 * len(documents)},
	}, ""
}

func voyageEmbed(p params) (any, string) {
	inputs := p.texts("input")
	format := p.text("encoding_format")
	if len(inputs) == 0 || len(inputs) > 1000 || format != "" && format != "base64" {
		return nil, "input: from 1 to 1000 texts are taken"
	}
	data, tokens := make([]any, len(inputs)), 0
	for i, text := range inputs {
		var v any = vector(text)
		if format == "base64" {
			v = "AAAAPwAAgL4="
		}
		data[i], tokens = map[string]any{"object": "embedding", "index": i, "embedding": v}, tokens+len(text)
	}
	return map[string]any{"object": "list", "data": data, "model": p.text("model"), "usage": map[string]int{"total_tokens": tokens}}, ""
}
