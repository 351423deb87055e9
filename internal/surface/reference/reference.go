// Package reference serves the OpenAPI documents of the surfaces, as this installation serves them.
package reference

import (
	"bytes"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Options are what the surface is built of.
type Options struct {
	// Contracts are the documents, in the order in which they are listed.
	Contracts []*Contract
	Log       *slog.Logger
}

// Surface answers with documents.
type Surface struct {
	Options
	server *httpx.Server
}

// New returns the surface.
func New(o Options) *Surface {
	return &Surface{Options: o, server: &httpx.Server{Fail: fail, Log: o.Log}}
}

// Routes lists the operations of the surface. All are public: the documents hold nothing of the installation but which
// operations it serves and where.
func (s *Surface) Routes() []httpx.Route {
	public := httpx.Public()
	return []httpx.Route{
		{Method: http.MethodGet, Pattern: "/api/openapi", OperationID: "listContracts", Access: public, Handler: s.list},
		{Method: http.MethodGet, Pattern: "/api/openapi/{surface}.json", OperationID: "getContract", Access: public, Handler: s.get},
	}
}

// Mount adds the surface's routes to r.
func (s *Surface) Mount(r chi.Router) { s.server.Mount(r, s.Routes()) }

// listed is a document in the list.
type listed struct {
	Surface    string `json:"surface"`
	Title      string `json:"title"`
	Version    string `json:"version"`
	Operations int    `json:"operations"`
	URL        string `json:"url"`
}

func (s *Surface) list(w http.ResponseWriter, _ *httpx.Call) error {
	items := make([]listed, len(s.Contracts))
	for i, c := range s.Contracts {
		d, err := c.document()
		if err != nil {
			return fault.ErrInternal.Because(err)
		}
		items[i] = listed{c.surface, d.title, d.version, d.operations, "/api/openapi/" + c.surface + ".json"}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"items": items})
}

func (s *Surface) get(w http.ResponseWriter, call *httpx.Call) error {
	for _, c := range s.Contracts {
		if c.surface == chi.URLParam(call.Request, "surface") {
			d, err := c.document()
			if err != nil {
				return fault.ErrInternal.Because(err)
			}
			d.serve(w, call.Request)
			return nil
		}
	}
	return fault.ErrNotFound.Saying("There is no such surface here.").At("surface")
}

// serve sends the document, or says that the client has it. Each coding is a representation with an ETag of its own.
func (d *document) serve(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	body, tag := d.plain, d.tag
	if httpx.AcceptsGzip(req) {
		body, tag = d.packed, d.tag+"-gz"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(body))
}

// fail answers in the envelope of the gateway, whose paths these are among.
func fail(w http.ResponseWriter, req *http.Request, f *fault.Error) {
	inner := map[string]any{"code": f.Code, "message": f.Message, "status": f.Status, "requestId": httpx.RequestID(req)}
	if f.Path != "" {
		inner["path"] = f.Path
	}
	// The envelope is made of texts and a number: encoding it cannot fail.
	_ = httpx.WriteJSON(w, f.Status, map[string]any{"error": inner})
}
