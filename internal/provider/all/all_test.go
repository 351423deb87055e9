package all

import "testing"

func TestNamesAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range Adapters(Options{}) {
		if name := a.Describe().Name; seen[name] {
			t.Errorf("two adapters are called %s", name)
		} else {
			seen[name] = true
		}
	}
	if !seen["openai"] || !seen["simulation"] || !seen["deepseek"] {
		t.Errorf("got %v", seen)
	}
}
