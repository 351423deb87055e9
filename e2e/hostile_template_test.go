package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

var hostileWord = regexp.MustCompile(`\{\{(.+?)\}\}`)

// fill replaces what stands in double braces. A word that has no value is an error: the case is about something that is
// not here.
func (w *hostileWorld) fill(text string) (string, error) {
	var missing string
	out := hostileWord.ReplaceAllStringFunc(text, func(word string) string {
		name := word[2 : len(word)-2]
		if name == "i" {
			return word // the turn of a load, put in by sendRequest
		}
		if value, ok := w.vars[name]; ok {
			return value
		}
		if value, ok := hostileGenerate(name); ok {
			return value
		}
		missing = name
		return word
	})
	if missing != "" {
		return "", fmt.Errorf("no %s here", missing)
	}
	return out, nil
}

// hostileGenerate makes {{repeat:N:s}} and {{jwt:alg=…,key=…,sub=…}}.
func hostileGenerate(name string) (string, bool) {
	kind, rest, _ := strings.Cut(name, ":")
	switch kind {
	case "repeat":
		count, text, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(count)
		return strings.Repeat(text, max(n, 0)), err == nil
	case "jwt":
		return hostileToken(rest)
	}
	return "", false
}

// hostileToken forges a token as an attacker would. Claims are those that our own tokens have.
func hostileToken(options string) (string, bool) {
	method, key := jwt.SigningMethod(jwt.SigningMethodHS256), any([]byte("secret"))
	claims := jwt.MapClaims{"iss": "gantry", "aud": "gantry", "exp": 4102444800, "roles": []string{"admin"}}
	header := map[string]any{}
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "alg":
			if value == "none" {
				method, key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
			}
		case "key":
			key = []byte(value)
		case "sub":
			claims["sub"] = value
		default:
			header[name] = value
		}
	}
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	if text, err := token.SignedString(key); err == nil {
		return text, true
	}
	// The library signs with no empty key; an attacker does, and what counts is that it is refused.
	text, err := token.SigningString()
	return text + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 32)), err == nil
}

// body returns the bytes that a case sends; nil for none.
func (w *hostileWorld) body(c *hostileCase) ([]byte, error) {
	switch {
	case c.BodyText != nil:
		text, err := w.fill(*c.BodyText)
		return []byte(text), err
	case c.BodyGen != nil:
		return w.generated(c.BodyGen)
	case c.Body != nil:
		b, err := json.Marshal(c.Body)
		if err != nil {
			return nil, err
		}
		text, err := w.fill(string(b))
		return []byte(text), err
	}
	return nil, nil
}

const hostileChat = `{"model":"sim-chat","messages":[{"role":"user","content":`

// generated makes the bodies that are too large or too odd to be written down.
func (w *hostileWorld) generated(how map[string]any) ([]byte, error) {
	for name, v := range how {
		size := w.number(v)
		switch name {
		case "nested_array":
			return []byte(strings.Repeat("[", size) + strings.Repeat("]", size)), nil
		case "chat_with_nested_metadata":
			return []byte(hostileChat + `"hi"}],"metadata":` + strings.Repeat(`{"a":`, size) + "1" + strings.Repeat("}", size) + "}"), nil
		case "bytes_hex":
			return hex.DecodeString(fmt.Sprint(v))
		case "object_with_long_string":
			m, _ := v.(map[string]any)
			return fmt.Appendf(nil, `{%q:%q}`, m["key"], strings.Repeat("a", w.number(m["bytes"]))), nil
		case "chat_with_content_bytes":
			frame := len(hostileChat) + len(`""}]}`)
			return []byte(hostileChat + `"` + strings.Repeat("a", size-frame) + `"}]}`), nil
		case "chat_with_data_url_bytes":
			return []byte(hostileChat + `[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("A", size) + `"}}]}]}`), nil
		case "chat_with_data_url":
			return fmt.Appendf(nil, hostileChat+`[{"type":"image_url","image_url":{"url":%q}}]}]}`, v), nil
		case "object_with_keys":
			return hostileKeys(size), nil
		case "gzip_zeros":
			return hostileBomb()
		}
		return nil, fmt.Errorf("no generator %s here", name)
	}
	return nil, nil
}

// number reads a size: a number, a variable, or either with +1.
func (w *hostileWorld) number(v any) int {
	text, err := w.fill(fmt.Sprint(v))
	if err != nil {
		return 0
	}
	sum := 0
	for part := range strings.SplitSeq(text, "+") {
		digits := strings.Fields(part + " 0")[0]
		n, _ := strconv.Atoi(digits)
		sum += n
	}
	return sum
}

func hostileKeys(n int) []byte {
	var out bytes.Buffer
	out.WriteString(hostileChat + `"hi"}],"metadata":{`)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `"k%d":1`, i)
	}
	out.WriteString("}}")
	return out.Bytes()
}

// hostileBomb is a small body that unpacks to a quarter of a gigabyte: enough to show, and nobody unpacks it.
func hostileBomb() ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	zeros := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(zeros); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
