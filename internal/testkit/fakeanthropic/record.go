package fakeanthropic

import (
	"encoding/json"
	"net/http"
)

func (s *Server) record(r *http.Request, body []byte) (int, *Request) {
	var named struct {
		Model string `json:"model"`
	}
	_ = json.Unmarshal(body, &named) // a body without a model is recorded all the same
	rec := &Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body, Model: named.Model,
	}
	return s.Add(rec), rec
}
