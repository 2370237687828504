package store

// How serials of bags and check values of the ledger are compared: people type and tell them in more ways than one.

import "strings"

// BagName is the serial of a bag without what people do not type alike: case and blanks. Bags with the same name are one.
func BagName(serial string) string {
	return strings.ToUpper(strings.ToLower(strings.Join(strings.Fields(serial), ""))) // some letters have two small forms
}

// hasBag reports whether a holding is about the bag that is looked for. Neither database folds more than ASCII.
func (f *HoldingFilter) hasBag(h *Holding) bool {
	name := BagName(f.Bag)
	return f.Bag == "" || name != "" && (name == BagName(h.Bag) || name == BagName(h.Outer))
}

// sameDigits compares check values as far as both go; with fewer than four digits they say nothing about a key.
func sameDigits(a, b string) bool {
	n := min(len(a), len(b))
	return a == b || n >= shortestCheck && a[:n] == b[:n]
}

// digitsAlike is sameDigits as a condition on holdings.
func digitsAlike(args *arguments, digits string) string {
	same := []string{args.place(digits)}
	for n := shortestCheck; n < len(digits); n++ {
		same = append(same, args.place(digits[:n]))
	}
	w := "check_digits IN (" + strings.Join(same, ", ") + ")"
	if len(digits) < shortestCheck {
		return w
	}
	return "(" + w + " OR check_digits > " + args.place(digits) + " AND check_digits < " +
		args.place(digits+"G") + ")" // after all that digits are made of
}
