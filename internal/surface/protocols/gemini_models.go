package protocols

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

// Sizes of pages, as Google has them.
const (
	usualPage   = 50
	largestPage = 1000
)

// listGoogleModels answers with the models that the caller may generate or embed with, in the order of their names.
func (s *surface) listGoogleModels(w http.ResponseWriter, req *http.Request) {
	p, err := s.authenticated(req)
	if err != nil {
		writeGoogleError(w, fault.From(err))
		return
	}
	size, after, err := pageOf(req)
	if err != nil {
		writeGoogleError(w, fault.From(err))
		return
	}
	items, next, who := []gemini.Model{}, "", s.Relay.Asker(p, s.Caller(req).Address)
	for _, r := range s.Relay.Snapshot().Routes() {
		if r.Alias <= after && after != "" || len(methodsOf(r)) == 0 || !who.MayAsk(r) {
			continue
		}
		if len(items) == size {
			next = base64.RawURLEncoding.EncodeToString([]byte(items[size-1].Name))
			break
		}
		items = append(items, googleModel(r))
	}
	writeJSON(w, gemini.ModelList(items, next))
}

// pageOf reads how many models are wanted, and behind which name. Code: invalid_parameter.
func pageOf(req *http.Request) (size int, after string, err error) {
	query := req.URL.Query()
	size = usualPage
	if text := query.Get("pageSize"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, "", fault.ErrInvalid.Saying("pageSize is a whole number.").At("pageSize")
		}
		if n > 0 {
			size = min(n, largestPage)
		}
	}
	name, err := base64.RawURLEncoding.DecodeString(query.Get("pageToken"))
	if err != nil {
		return 0, "", fault.ErrInvalid.Saying("pageToken is not one that was answered.").At("pageToken")
	}
	return size, string(name), nil
}

// getGoogleModel answers with one model. Names may hold slashes, so the rest of the path is the name.
func (s *surface) getGoogleModel(w http.ResponseWriter, req *http.Request) {
	r, ok := s.googleRoute(w, req, strings.TrimPrefix(chi.URLParam(req, "*"), "models/"))
	if !ok {
		return
	}
	m := googleModel(r)
	writeJSON(w, m.Append(nil))
}

func googleModel(r *relay.Route) gemini.Model {
	m := gemini.Model{Name: r.Alias, DisplayName: r.DisplayName, Methods: methodsOf(r)}
	if m.DisplayName == "" {
		m.DisplayName = r.Alias
	}
	for _, t := range r.Targets {
		m.InputLimit, m.OutputLimit = max(m.InputLimit, t.ContextWindow), max(m.OutputLimit, t.MaxOutput)
	}
	return m
}

// methodsOf is what a model can be called with in this protocol; nothing for models that make other things.
func methodsOf(r *relay.Route) []string {
	switch {
	case r.Types.Has(inference.TypeChat):
		return gemini.GenerateMethods
	case r.Types.Has(inference.TypeEmbedding):
		return gemini.EmbedMethods
	}
	return nil
}

func readAll(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, limit))
	if err == nil {
		return body, nil
	}
	if _, large := err.(*http.MaxBytesError); large { //nolint:errorlint // the reader returns it itself
		return nil, fault.ErrTooLarge
	}
	return nil, fault.ErrInvalid.Saying("The request body ended early or could not be read.").Because(err)
}
