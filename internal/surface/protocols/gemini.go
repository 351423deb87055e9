package protocols

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// mountGemini adds what Google's SDKs call. Newer ones call /v1, where models without a verb are OpenAI's.
func (s *surface) mountGemini(r chi.Router) {
	act := googleCaller(s.act)
	r.Post("/v1beta/models/*", act)
	r.Post("/v1/models/*", act)
	r.Get("/v1beta/models", googleCaller(s.listGoogleModels))
	r.Get("/v1beta/models/*", googleCaller(s.getGoogleModel))
}

// ownsGoogle reports whether what is not found at a path is said in Google's way.
func ownsGoogle(path string) bool { return strings.HasPrefix(path, "/v1beta/") || path == "/v1beta" }

var errNoURL = fault.ErrNotFound.Saying("The requested URL was not found on this server.")

// errTwoCallers refuses a request that names two callers: which one was meant is anybody's guess.
var errTwoCallers = identity.ErrCredentials.Saying("The request has two different credentials.")

// googleCaller takes the credential from where Google's SDKs put it to where all others do: the header x-goog-api-key, or the
// parameter key of the query, which goes no further.
func googleCaller(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		query, err := url.ParseQuery(req.URL.RawQuery)
		if err != nil {
			writeGoogleError(w, fault.ErrInvalid.Saying("The query cannot be read."))
			return
		}
		token, err := credentialOf(req.Header, query["key"])
		if err != nil {
			writeGoogleError(w, fault.From(err))
			return
		}
		credential(req, query, token)
		next(w, req)
	}
}

// credentialOf is what a request is authenticated by; empty when there is nothing. Code: unauthorized.
func credentialOf(h http.Header, keys []string) (token string, err error) {
	given := append(append([]string{}, keys...), h["X-Goog-Api-Key"]...)
	for _, authorization := range h["Authorization"] {
		given = append(given, bearerOf(authorization))
	}
	for _, v := range given {
		v = strings.TrimSpace(v)
		switch {
		case v == "":
		case token == "":
			token = v
		case token != v:
			return "", errTwoCallers
		}
	}
	return token, nil
}

func bearerOf(authorization string) string {
	if len(authorization) > 7 && strings.EqualFold(authorization[:7], "Bearer ") {
		return authorization[7:]
	}
	return authorization
}

// credential puts a request's credential in one place, and takes it out of its address.
func credential(req *http.Request, query url.Values, token string) {
	if _, there := query["key"]; there {
		query.Del("key")
		req.URL.RawQuery = query.Encode()
		req.RequestURI = req.URL.RequestURI()
	}
	delete(req.Header, "X-Goog-Api-Key")
	delete(req.Header, "Authorization")
	if token != "" {
		req.Header["Authorization"] = []string{"Bearer " + token}
	}
}

// act serves model:verb. Names of models may hold colons and slashes.
func (s *surface) act(w http.ResponseWriter, req *http.Request) {
	name := chi.URLParam(req, "*")
	at := strings.LastIndexByte(name, ':')
	if at <= 0 {
		s.unknownVerb(w, req)
		return
	}
	model, verb := name[:at], name[at+1:]
	if len(model) > gemini.MaxModelBytes {
		writeGoogleError(w, fault.ErrInvalid.Saying("The name of the model is too long.").At("model"))
		return
	}
	switch verb {
	case "generateContent":
		s.generate(w, req, gemini.Generate{Model: model})
	case "streamGenerateContent":
		s.streamGenerate(w, req, model)
	case "embedContent", "batchEmbedContents":
		s.serveGoogle(w, req, gemini.Embed{Model: model, Batch: verb == "batchEmbedContents"}, identity.ScopeEmbeddings)
	case "countTokens":
		s.countGoogle(w, req, model)
	default:
		s.unknownVerb(w, req)
	}
}

func (s *surface) unknownVerb(w http.ResponseWriter, req *http.Request) {
	if strings.Contains(req.URL.Path, ":") {
		writeGoogleError(w, errNoURL)
		return
	}
	NotFound(w, req)
}

func (s *surface) generate(w http.ResponseWriter, req *http.Request, f gemini.Generate) {
	s.serveGoogle(w, req, f, identity.ScopeChat)
}

// streamGenerate streams events where the caller asks for them, else the elements of one JSON array.
func (s *surface) streamGenerate(w http.ResponseWriter, req *http.Request, model string) {
	f := gemini.Generate{Model: model, Stream: true}
	switch alt := req.URL.Query().Get("alt"); alt {
	case "sse":
	case "", "json":
		f.Array = true
	default:
		writeGoogleError(w, fault.ErrInvalid.Saying("alt is sse or json.").At("alt"))
		return
	}
	if f.Array && (req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != "") {
		writeGoogleError(w, fault.ErrInvalid.Saying("Streams that can be repeated are event streams: send alt=sse.").At("alt"))
		return
	}
	s.generate(w, req, f)
}

func (s *surface) serveGoogle(w http.ResponseWriter, req *http.Request, f wire.Format, scope identity.Scope) {
	if _, given := req.Header["X-Async"]; given && isAsync(req) {
		writeGoogleError(w, errAsync)
		return
	}
	s.Relay.Serve(w, req, relay.Operation{Format: f, Scope: scope}, s.Caller(req))
}

// maxCounted bounds the body of a request to count tokens.
const maxCounted = 32 << 20

// countGoogle counts here, for nothing: no upstream is asked.
func (s *surface) countGoogle(w http.ResponseWriter, req *http.Request, model string) {
	r, ok := s.googleRoute(w, req, model)
	if !ok {
		return
	}
	body, err := readAll(w, req, maxCounted)
	if err != nil {
		writeGoogleError(w, fault.From(err))
		return
	}
	n, err := gemini.CountTokens(body, model, familyOf(r))
	if err != nil {
		writeGoogleError(w, fault.From(err))
		return
	}
	writeJSON(w, gemini.TokenCount(n))
}

// familyOf is what a route's models count tokens by.
func familyOf(r *relay.Route) tokens.Family {
	names := []string{r.Alias}
	for _, t := range r.Targets {
		names = append(names, t.Model.ProviderModelName)
	}
	return tokens.FamilyOf(names...)
}

// googleRoute authenticates the caller and finds the model that it asks for; it has answered when it returns false.
func (s *surface) googleRoute(w http.ResponseWriter, req *http.Request, model string) (*relay.Route, bool) {
	p, err := s.authenticated(req)
	if err != nil {
		writeGoogleError(w, fault.From(err))
		return nil, false
	}
	r := s.Relay.Snapshot().Route(model)
	if r == nil || !s.Relay.Asker(p, s.Caller(req).Address).MayAsk(r) || len(methodsOf(r)) == 0 {
		writeGoogleError(w, fault.New(http.StatusNotFound, "model_not_found",
			"models/"+shown(model)+" is not found, or you do not have access to it.").At("model"))
		return nil, false
	}
	return r, true
}

// shown keeps a caller's text from making a message unreadable.
func shown(s string) string {
	const most = 128
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func writeGoogleError(w http.ResponseWriter, f *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if f.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="gantry"`)
	}
	h.Set("Content-Length", strconv.Itoa(len(gemini.ErrorBody(f))))
	w.WriteHeader(f.Status)
	_, _ = w.Write(gemini.ErrorBody(f))
}
