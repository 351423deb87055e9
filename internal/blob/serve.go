package blob

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// policy lets a file be looked at, and nothing in it run.
const policy = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"

// Handler serves files to whoever holds a link.
type Handler struct {
	Library *Library
	Links   *Links
	// Refuse answers a request that is not served.
	Refuse func(w http.ResponseWriter, req *http.Request, err error)
}

// ServeHTTP answers GET and HEAD of LinkPath + id: whole, or a range of it. With download=1 browsers save the file.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	blob, err := h.Links.Check(req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:], query)
	if err != nil {
		h.Refuse(w, req, err)
		return
	}
	b, err := h.Library.Stat(req.Context(), blob)
	if err != nil {
		h.Refuse(w, req, err)
		return
	}
	content, err := h.Library.Open(req.Context(), &b)
	if err != nil {
		h.Refuse(w, req, err)
		return
	}
	defer content.Close()
	describe(w.Header(), &b, query.Get("download") == "1")
	http.ServeContent(w, singleRange(req), "", b.CreatedAt, content)
}

// describe says what a file is, and what may be done with it.
func describe(h http.Header, b *Blob, download bool) {
	extension, known := extensions[b.ContentType]
	disposition := "inline"
	if download || !known {
		disposition = "attachment"
	}
	h.Set("Content-Type", b.ContentType)
	h.Set("Content-Disposition", disposition+`; filename="`+b.ID.String()+extension+`"`)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(cacheSeconds)+", immutable")
	h.Set("Etag", `"`+hex.EncodeToString(b.SHA256[:16])+`"`)
}

const cacheSeconds = 3600

// singleRange leaves out a request for several ranges, which may be answered whole: none of a thousand parts needs a header.
func singleRange(req *http.Request) *http.Request {
	if !strings.Contains(req.Header.Get("Range"), ",") {
		return req
	}
	plain := req.Clone(req.Context())
	plain.Header.Del("Range")
	return plain
}
