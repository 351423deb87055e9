package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// inPieces decodes a body that comes in pieces of n bytes.
func inPieces(b []byte, n int) (content, rest []byte, done bool, err error) {
	var c chunks
	for len(b) > 0 && !c.done() {
		piece := bytes.Clone(b[:min(n, len(b))])
		k, used, err := c.decode(piece)
		content = append(content, piece[:k]...)
		if err != nil {
			return content, nil, false, err
		}
		b = b[used:]
	}
	return content, b, c.done(), nil
}

func TestChunksInAnyPieces(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0\r\n\r\n":               "",
		"5\r\nhello\r\n0\r\n\r\n": "hello",
		"005;ext=\"1\"\r\nhello\r\n1 \r\n!\r\n0\r\n\r\n": "hello!",
		"a\nhello worl\r\n1\r\nd\r\n0\n\n":               "hello world",
		"1\r\nx\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n":  "x",
	} {
		for n := 1; n <= len(in); n++ {
			content, rest, done, err := inPieces([]byte(in+"left"), n)
			if err != nil || !done || string(content) != want || string(rest) != "left" {
				t.Errorf("%q in pieces of %d: %q, %q left, %v, %v", in, n, content, rest, done, err)
			}
		}
	}
	for _, bad := range []string{
		"x\r\n", "\r\n", "5\r\nhelloX\r\n", "5\r\nhello\rX", "-1\r\n", "11111111111111111\r\n", "0\r\n\rX",
		"1;" + strings.Repeat("a", maxLine) + "\r\n", "0\r\n" + strings.Repeat("a: b\r\n", maxLine),
	} {
		if _, _, done, err := inPieces([]byte(bad), 3); !errors.Is(err, errChunk) || done {
			t.Errorf("%.20q: %v, %v", bad, done, err)
		}
	}
}

// FuzzChunks compares with the standard library, which never accepts what we refuse to end.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), 3)
	f.Add([]byte("3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		want, wantErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b)))
		got, _, done, err := inPieces(b, max(1, n%64))
		if wantErr == nil && err == nil && done && !bytes.Equal(got, want) {
			t.Errorf("%q: %q, want %q", b, got, want)
		}
		if wantErr == nil && errors.Is(err, errChunk) && !strings.Contains(string(b), "0\r\n") {
			t.Errorf("%q is refused", b)
		}
		whole, _, _, wholeErr := inPieces(b, len(b)+1)
		if !bytes.Equal(got, whole) || errors.Is(err, errChunk) != errors.Is(wholeErr, errChunk) {
			t.Errorf("%q: pieces change what is read: %q and %q", b, got, whole)
		}
	})
}
