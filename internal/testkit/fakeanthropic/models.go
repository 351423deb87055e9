package fakeanthropic

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (s *Server) show(id string) params {
	return params{
		"type": "model", "id": id, "display_name": "Fake " + id, "created_at": s.options.Clock().UTC().Format(time.RFC3339),
		"max_input_tokens": 200_000, "max_tokens": 64_000,
	}
}

// models lists a page.
func (s *Server) models(w http.ResponseWriter, r *http.Request) {
	limit := 20
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			badRequest("limit: Input should be from 1 to 1000").write(w)
			return
		}
		limit = n
	}
	all := s.options.Models
	if after := r.URL.Query().Get("after_id"); after != "" {
		all = all[slices.Index(all, after)+1:]
	}
	page := all[:min(limit, len(all))]
	data := []any{}
	for _, id := range page {
		data = append(data, s.show(id))
	}
	out := params{"data": data, "has_more": len(page) < len(all), "first_id": nil, "last_id": nil}
	if len(page) > 0 {
		out["first_id"], out["last_id"] = page[0], page[len(page)-1]
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("model")
	if !slices.Contains(s.options.Models, id) {
		(&apiError{Status: 404, Type: "not_found_error", Message: "model: " + id}).write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.show(id))
}
