# Sums the test cases of JUnit XML files: prints "N passed, N failed, N skipped".
# A case fails by a <failure> or <error> child or by the end of the file before its own; it is
# skipped by a <skipped> child, or if GoogleTest did not run it (disabled).
# Records are what lies between two "<". Text in CDATA and comments may look like tags: it is
# passed over.
BEGIN { RS = "<" }

function finish() {
  if (failed) fails++
  else if (skipped) skips++
  else passes++
  inside = 0
}

# What a file leaves open at its end was cut off.
FNR == 1 {
  if (inside) { failed = 1; finish() }
  hidden = ""
}

hidden != "" { if (index($0, hidden)) hidden = ""; next }
/^!\[CDATA\[/ { if (!index($0, "]]>")) hidden = "]]>"; next }
/^!--/ { if (!index($0, "-->")) hidden = "-->"; next }

/^testcase[ \t\r\n\/>]/ {
  if (inside) { failed = 1; finish() }
  inside = 1
  failed = 0
  skipped = $0 ~ /[ \t\r\n](status="notrun"|result="(skipped|suppressed)")/
  tag = $0
  gsub(/"[^"]*"/, "", tag)  # a value may hold "/>"
  sub(/>.*/, ">", tag)
  if (tag ~ /\/>$/) finish()
  next
}
/^(failure|error)[ \t\r\n\/>]/ { failed = 1 }
/^skipped[ \t\r\n\/>]/ { skipped = 1 }
/^\/testcase/ { if (inside) finish() }

END {
  if (inside) { failed = 1; finish() }
  printf "%d passed, %d failed, %d skipped\n", passes, fails, skips
}
