// A Java heap for the corpus: the records of a file as objects, some of which are replaced all the time.
//
//   java Heap RECORDS
//
// Says `ready` once they are all there.
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Heap {
  private static final long EVERY_MS = 10;
  private static final int AT_ONCE = 40;
  private static final Pattern FIELD =
      Pattern.compile("\"(\\w+)\":(\"[^\"]*\"|\\[[^\\]]*\\]|[^,}]+)");

  public static void main(String[] arguments) throws Exception {
    Map<String, Map<String, String>> people = new HashMap<>();
    try (var lines = Files.lines(Path.of(arguments[0]), StandardCharsets.UTF_8)) {
      lines.forEach(
          line -> {
            Map<String, String> person = new HashMap<>();
            Matcher field = FIELD.matcher(line);
            while (field.find()) person.put(field.group(1), field.group(2));
            people.put(person.get("email"), person);
          });
    }
    List<String> emails = new ArrayList<>(people.keySet());
    System.out.println("ready");
    for (long turn = 0; ; Thread.sleep(EVERY_MS)) {
      for (int i = 0; i < AT_ONCE; ++i) {
        ++turn;
        Map<String, String> person = people.get(emails.get((int) (turn * 7919 % emails.size())));
        person.put("balance", String.valueOf(turn));
        person.put("tags", "[\"turn-" + turn + "\"]");
      }
    }
  }
}
