package blob

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

const (
	testAccess = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testRegion = "eu-test-1"
)

// store is an object store that believes nobody: it checks the signature of every request and of every chunk by the
// published algorithm. Source: AWS, "Authenticating Requests (AWS Signature Version 4)".
type store struct {
	t       *testing.T
	mu      sync.Mutex
	objects map[string][]byte
	types   map[string]string
}

// bucket is an S3 over such a store.
func bucket(t *testing.T) *S3 {
	t.Helper()
	server := httptest.NewServer(&store{t: t, objects: map[string][]byte{}, types: map[string]string{}})
	t.Cleanup(server.Close)
	return openBucket(t, server.URL, testSecret)
}

func openBucket(t *testing.T, endpoint, key string) *S3 {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := NewS3(&S3Options{
		Endpoint: endpoint, Region: testRegion, Bucket: "media", Prefix: "gantry", AccessKey: testAccess, SecretKey: secret.New(key),
		PathStyle: true, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sum(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signed checks a request's signature and returns what its chunks are signed with.
func signed(req *http.Request) (key []byte, scope, signature string, err error) {
	var credential, headers string
	fields := strings.TrimPrefix(req.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			headers = value
		case "Signature":
			signature = value
		}
	}
	stamp := req.Header.Get("X-Amz-Date")
	if _, err := time.Parse("20060102T150405Z", stamp); err != nil {
		return nil, "", "", err
	}
	scope = stamp[:8] + "/" + testRegion + "/s3/aws4_request"
	if credential != testAccess+"/"+scope {
		return nil, "", "", fmt.Errorf("credential %s", credential)
	}
	canonical := req.Method + "\n" + req.URL.EscapedPath() + "\n" + query(req.URL.Query()) + "\n"
	for name := range strings.SplitSeq(headers, ";") {
		value := strings.Join(req.Header.Values(name), ",")
		switch name {
		case "host":
			value = req.Host
		case "content-length":
			value = strconv.FormatInt(req.ContentLength, 10)
		}
		canonical += name + ":" + strings.TrimSpace(value) + "\n"
	}
	canonical += "\n" + headers + "\n" + req.Header.Get("X-Amz-Content-Sha256")
	key = mac(mac(mac(mac([]byte("AWS4"+testSecret), stamp[:8]), testRegion), "s3"), "aws4_request")
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+sum([]byte(canonical))))
	if want != signature {
		return nil, "", "", fmt.Errorf("signature of\n%s", canonical)
	}
	return key, scope, signature, nil
}

func query(values url.Values) string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = url.QueryEscape(name) + "=" + url.QueryEscape(values.Get(name))
	}
	return strings.Join(names, "&")
}

// content checks a body: one whose hash is signed, or chunks that are signed one after the other.
func content(req *http.Request, key []byte, scope, signature string) ([]byte, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	claimed := req.Header.Get("X-Amz-Content-Sha256")
	if claimed != "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" {
		if claimed != sum(body) {
			return nil, fmt.Errorf("the body is not %s", claimed)
		}
		return body, nil
	}
	var out []byte
	for {
		head, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, given, _ := strings.Cut(string(head), ";chunk-signature=")
		n, err := strconv.ParseInt(size, 16, 32)
		if !ok || err != nil || int(n)+2 > len(rest) {
			return nil, fmt.Errorf("a chunk begins with %q", head)
		}
		chunk := rest[:n]
		signature = hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256-PAYLOAD\n"+req.Header.Get("X-Amz-Date")+"\n"+scope+"\n"+signature+"\n"+sum(nil)+"\n"+sum(chunk)))
		if signature != given {
			return nil, fmt.Errorf("the signature of a chunk of %d bytes", n)
		}
		if n == 0 {
			return out, nil
		}
		out, body = append(out, chunk...), rest[n+2:]
	}
}

func (s *store) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	key, scope, signature, err := signed(req)
	var body []byte
	if err == nil {
		body, err = content(req, key, scope, signature)
	}
	if err != nil {
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := req.URL.Path
	switch req.Method {
	case http.MethodPut:
		if strings.Contains(req.Header.Get("X-Amz-Content-Sha256"), "STREAMING") && req.Header.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(body)) {
			refuse(w, http.StatusBadRequest, "IncompleteBody", "the decoded length")
			return
		}
		s.objects[name], s.types[name] = body, req.Header.Get("Content-Type")
		w.Header().Set("Etag", `"`+sum(body)[:32]+`"`)
	case http.MethodGet, http.MethodHead:
		object, ok := s.objects[name]
		if !ok {
			refuse(w, http.StatusNotFound, "NoSuchKey", "there is no such object")
			return
		}
		w.Header().Set("Etag", `"`+sum(object)[:32]+`"`)
		w.Header().Set("Content-Type", s.types[name])
		http.ServeContent(w, req, "", time.Unix(1_760_000_000, 0), bytes.NewReader(object))
	case http.MethodDelete:
		delete(s.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", req.Method)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

func TestS3NamesObjectsUnderItsPrefix(t *testing.T) {
	t.Parallel()
	fake := &store{t: t, objects: map[string][]byte{}, types: map[string]string{}}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	if err := openBucket(t, server.URL, testSecret).Put(t.Context(), "blobs/ab/one", []byte("x"), "image/png"); err != nil {
		t.Fatal(err)
	}
	if fake.types["/media/gantry/blobs/ab/one"] != "image/png" {
		t.Errorf("got %v", fake.types)
	}
	err := openBucket(t, server.URL, "another key").Put(t.Context(), "blobs/ab/two", []byte("x"), "")
	if err == nil || strings.Contains(err.Error(), "another key") || len(fake.objects) != 1 {
		t.Errorf("with another key: %v", err)
	}
}

func TestNewS3Refuses(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "s3.example.com", "ftp://s3.example.com", "https://", "https://s3.example.com/bucket", "://"} {
		if _, err := NewS3(&S3Options{Endpoint: endpoint, Bucket: "b"}); err == nil {
			t.Errorf("%q was taken", endpoint)
		}
	}
}
