package config

import "strings"

// unknown says that there is no such setting, and which one may have been meant.
func unknown(name string, known []string) string {
	message := "unknown setting " + name
	if nearest := nearest(name, known); nearest != "" {
		message += ", did you mean " + nearest + "?"
	}
	return message
}

// nearest returns the known name that is fewest edits away from name, "" when none is near enough to be meant.
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, candidate := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d <= least && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two ASCII texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
