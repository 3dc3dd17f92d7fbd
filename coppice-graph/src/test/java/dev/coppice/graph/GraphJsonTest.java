package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GraphJsonTest {
  private static final String JSON =
      "{'format':'coppice-graph/1','output':'drop','nodes':["
          + "{'name':'input','op':'input','shape':[4],'inputs':[]},"
          + "{'name':'drop','op':'dropout','rate':0.5,'inputs':['input']}]}";

  @Property(tries = 300)
  void roundTripsExactly(@ForAll long seed) {
    Graph graph = RandomGraphs.draw(seed);
    Graph read = Graph.fromJson(graph.toJson());
    assertThat(read).isEqualTo(graph);
    assertThat(read.toJson()).isEqualTo(graph.toJson());
  }

  @Test
  void readsTheDocumentedForm() {
    Graph expected = Graph.builder(new Shape.Vector(4)).add("drop", new Op.Dropout(0.5f)).build();
    assertThat(Graph.fromJson(JSON.replace('\'', '"'))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          coppice-graph/1 | coppice-graph/9 | network: expected the format coppice-graph/1, found "coppice-graph/9"
          'op':'dropout'  | 'op':'warp'     | node "drop": unknown op "warp"
          'rate':0.5,     | ``              | node "drop": field "rate" is missing
          'rate':0.5      | 'rate':'x'      | node "drop": field "rate" must be a number
          'rate':0.5      | 'rate':1e99     | node "drop": a dropout rate must lie in [0, 1), not Infinity
          'rate':0.5      | 'rate':0.5,'x':1| node "drop": unknown field "x"
          'rate':0.5      | 'rate':0,'rate':0 | the JSON has the key "rate" twice
          [4]             | [4.5]           | node "input": field "shape" must be a whole number of 32 bits
          [4]             | [4,4]           | node "input": its shape has 1 or 3 dimensions, not 2
          [4]             | [1e999999999]   | node "input": field "shape" must be a whole number of 32 bits
          ['input']       | [7]             | node "drop": its inputs must be names of nodes
          ['input']       | ['nowhere']     | drop: reads "nowhere", which does not exist
          'output':'drop' | 'output':'no'   | the network has no node "no"
          'output':'drop' | 'output':true   | network: field "output" must be a string
          'output':'drop' | 'extra':1,'output':'drop' | network: unknown field "extra"
          'name':'drop'   | 'name':'a b'    | node "a b": a node's name has 1 to 100 letters, digits, '_', '.' or '-', not "a b"
          """)
  void saysWhatIsWrong(String part, String replacement, String message) {
    assertThat(JSON).contains(part);
    String json = JSON.replace(part, replacement).replace('\'', '"');
    assertThatThrownBy(() -> Graph.fromJson(json))
        .isInstanceOf(GraphException.class)
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []      | node "drop": a selection needs at least one channel
          [1,1]   | node "drop": the channels of a selection must increase from at least 0, not go from 1 to 1
          [0,1.5] | node "drop": field "channels" must be a whole number of 32 bits
          [4]     | drop: selects channel 4 of input, which has channels 0 to 3
          7       | node "drop": field "channels" must be a list
          """)
  void saysWhatIsWrongWithASelection(String channels, String message) {
    String json =
        JSON.replace("'op':'dropout'", "'op':'select'")
            .replace("'rate':0.5", "'channels':" + channels);
    assertThatThrownBy(() -> Graph.fromJson(json.replace('\'', '"')))
        .isInstanceOf(GraphException.class)
        .hasMessage(message);
  }

  @Test
  void refusesWhatIsNotJson() {
    assertThatThrownBy(() -> Graph.fromJson("")).message().startsWith("not valid JSON: ");
    assertThatThrownBy(() -> Graph.fromJson("{\"a\":01}"))
        .isInstanceOf(GraphException.class)
        .message()
        .startsWith("not valid JSON: ")
        .doesNotContain("\n");
    assertThatThrownBy(() -> Graph.fromJson("{} {}")).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> Graph.fromJson("[]")).hasMessage("expected a JSON object");
    assertThatThrownBy(() -> Graph.fromJson("[".repeat(100_000)))
        .hasMessage("the JSON is nested more than 16 deep");
  }

  @Property(tries = 100)
  void everyTruncationIsRefused(@ForAll long seed) {
    String json = RandomGraphs.draw(seed).toJson();
    int length = (int) Math.floorMod(seed, (long) json.length());
    assertThatThrownBy(() -> Graph.fromJson(json.substring(0, length)))
        .isInstanceOf(GraphException.class);
  }
}
