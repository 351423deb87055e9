package oauth

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
)

// Transport signs requests in before they go out. It is safe for concurrent use.
type Transport struct {
	Next   http.RoundTripper
	Source *Source
	// ErrorBody writes what RefusalError.Answer says as the upstream writes its errors.
	ErrorBody func(status int, message string) []byte
}

// RoundTrip sends a copy of the request with the account's token. One that is not accepted is replaced once. Where there is
// none to be had, the answer says so. Errors: those of Source.Get and of the next transport.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	for again := false; ; again = true {
		token, err := t.Source.Get(r.Context(), t.Next)
		if err != nil {
			return t.refused(r, err)
		}
		out := *r
		out.Header = maps.Clone(r.Header)
		out.Header["Authorization"] = []string{"Bearer " + token}
		if again {
			if out.Body, err = body(r); err != nil {
				return nil, err
			}
		}
		resp, err := t.Next.RoundTrip(&out)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || again || r.Body != nil && r.GetBody == nil {
			return resp, err
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxToken)
		_ = resp.Body.Close()
		t.Source.Drop(token)
	}
}

// body is the request's, from its beginning.
func body(r *http.Request) (io.ReadCloser, error) {
	if r.Body == nil {
		return nil, nil //nolint:nilnil // a request without a body
	}
	return r.GetBody()
}

func (t *Transport) refused(r *http.Request, err error) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	var refusal *RefusalError
	if !errors.As(err, &refusal) {
		return nil, err
	}
	status, message := refusal.Answer()
	text := t.ErrorBody(status, message)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)),
		ContentLength: int64(len(text)), Request: r,
	}, nil
}
