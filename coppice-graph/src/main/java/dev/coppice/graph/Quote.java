package dev.coppice.graph;

/** Quotes text from outside so that a message stays one short, readable line. */
final class Quote {
  private static final int MAX_LENGTH = 60;

  private Quote() {}

  static String of(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    int length = Math.min(text.length(), MAX_LENGTH);
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      boolean readable = c >= ' ' && c != 0x7f && c < 0xd800 && !Character.isISOControl(c);
      quoted.append(readable && c != 0x2028 && c != 0x2029 ? c : '?');
    }
    return quoted.append(length < text.length() ? "…\"" : "\"").toString();
  }
}
