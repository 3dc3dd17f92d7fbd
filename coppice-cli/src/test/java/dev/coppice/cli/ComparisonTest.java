package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** What runs come to together. */
final class ComparisonTest {
  private static ComparedRun run(String method, double sparsity, long seed, double accuracy) {
    return run(method, sparsity, seed, accuracy, List.of());
  }

  /** Returns a run; of each epoch the accuracy, the sparsity and the operations of an image. */
  private static ComparedRun run(
      String method, double sparsity, long seed, double accuracy, List<double[]> epochs) {
    List<RunRecords.Epoch> records = new ArrayList<>();
    for (double[] epoch : epochs) {
      int number = records.size() + 1;
      records.add(
          new RunRecords.Epoch(
              number,
              10L * number,
              0,
              0,
              0.1,
              epoch[1],
              2,
              300,
              epoch[0],
              0,
              epoch[2],
              epoch[2],
              1,
              0.1));
    }
    JsonObject provenance =
        JsonParser.parseString("{\"data\": {\"trainSamples\": 50}}").getAsJsonObject();
    return new ComparedRun(
        new Cell(method, sparsity, seed),
        List.of(),
        "",
        new ComparedRun.Finished(
            accuracy,
            sparsity,
            new Cost(5, 50, 5 * 50 * 1000, 500, 1000, 0, 10),
            new ComparedRun.Spent(5, 50, 1500, 10),
            10,
            1,
            Map.of(),
            provenance,
            new RunRecords(method, records, List.of())));
  }

  private static ComparedRun failed(String method, double sparsity, long seed) {
    return new ComparedRun(
        new Cell(method, sparsity, seed), List.of(), "", new ComparedRun.Failed(1, "diverged"));
  }

  @Test
  void differencesHaveTheIntervalOfStudent() {
    // R: t.test(c(0.01, 0.02, 0.04, -0.01, 0.03))
    PairedDifference difference = PairedDifference.of(0.01, 0.02, 0.04, -0.01, 0.03);
    assertThat(difference.mean()).isCloseTo(0.018, within(1e-12));
    // The quantile of t with 4 degrees of freedom is 2.776445; s = 0.0192353841.
    assertThat(difference.high() - difference.mean())
        .isCloseTo(2.776445105 * 0.0192353841 / Math.sqrt(5), within(1e-9));
    assertThat(PairedDifference.of(0.5))
        .isEqualTo(new PairedDifference(1, 0.5, Double.NaN, Double.NaN));
    assertThatThrownBy(PairedDifference::of).isInstanceOf(IllegalArgumentException.class);
  }

  @Property
  void theIntervalIsAroundTheMean(
      @ForAll @Size(min = 2, max = 8) List<@DoubleRange(min = -1, max = 1) Double> differences) {
    PairedDifference found =
        PairedDifference.of(differences.stream().mapToDouble(Double::doubleValue).toArray());
    assertThat(found.mean() - found.low()).isCloseTo(found.high() - found.mean(), within(1e-12));
    assertThat(found.low()).isLessThanOrEqualTo(found.mean());
  }

  @Test
  void summariesPairRunsOfTheSameSeed() {
    Comparison comparison =
        new Comparison(
            new JsonObject(),
            List.of(
                run("dense", 0, 1, 0.98),
                run("dense", 0, 2, 0.96),
                run("magnitude", 0.9, 1, 0.90),
                run("magnitude", 0.9, 2, 0.80),
                run("other", 0.9, 1, 0.92),
                run("other", 0.9, 2, 0.84),
                failed("third", 0.9, 1),
                run("third", 0.9, 2, 0.84)),
            List.of());
    List<CellSummary> summary = comparison.summary();
    assertThat(summary)
        .extracting(CellSummary::method)
        .containsExactly("dense", "magnitude", "other", "third");
    assertThat(summary.get(0).accuracy()).isCloseTo(0.97, within(1e-12));
    assertThat(summary.get(0).accuracyDeviation()).isCloseTo(0.0141421356, within(1e-9));
    assertThat(summary.get(0).rank()).isNaN();
    assertThat(summary.get(1).difference()).isNull();
    PairedDifference other = Objects.requireNonNull(summary.get(2).difference());
    assertThat(other.pairs()).isEqualTo(2);
    assertThat(other.mean()).isCloseTo(0.03, within(1e-12));
    PairedDifference third = Objects.requireNonNull(summary.get(3).difference());
    assertThat(third.pairs()).isEqualTo(1);
    assertThat(third.mean()).isCloseTo(0.04, within(1e-12));
    assertThat(summary.get(3).failed()).isEqualTo(1);

    // Ranks: seed 1 other, magnitude, third (failed); seed 2 other and third share 1.5.
    assertThat(comparison.ranks().means())
        .containsExactly(
            Map.entry("other", 1.25), Map.entry("third", 2.25), Map.entry("magnitude", 2.5));
    assertThat(summary.get(2).rank()).isEqualTo(1.25);
  }

  @Test
  void costsCountTheEpochsUntilAnAccuracyIsThereAtTheFinalSparsity() {
    List<double[]> epochs =
        List.of(
            new double[] {0.95, 0.5, 100},
            new double[] {Double.NaN, 0.9, Double.NaN},
            new double[] {0.90, 0.9, 20},
            new double[] {0.94, 0.9, 10},
            new double[] {0.93, 0.9, 10});
    Comparison comparison =
        new Comparison(
            new JsonObject(),
            List.of(
                run("a", 0.9, 1, 0.93, epochs),
                run("a", 0.9, 2, 0.5, epochs.subList(0, 1)),
                failed("a", 0.9, 3)),
            List.of(0.91, 0.99));
    // The way back is twice the way forward.
    assertThat(comparison.costs())
        .containsExactly(
            new CostToReach("a", 0.9, 0.91, 2, 1, 4, 40, 3 * 50 * (100 + 2 * 20 + 10), 8),
            new CostToReach("a", 0.9, 0.99, 2, 0, Double.NaN, Double.NaN, Double.NaN, Double.NaN));
  }

  @Test
  void methodsHaveNamesAndOptions() {
    MethodVariants variants =
        MethodVariants.parse(
            "magnitude, criticality[ratio=0.5,exclude=conv1,fc1],my best=random[ratio=0.1]");
    assertThat(variants.all())
        .extracting(MethodVariant::name)
        .containsExactly("magnitude", "criticality[ratio=0.5,exclude=conv1,fc1]", "my best");
    assertThat(variants.all().get(1).options())
        .containsExactly(Map.entry("ratio", "0.5"), Map.entry("exclude", "conv1,fc1"));
    assertThat(variants.all().get(2).method()).isEqualTo("random");
    for (String text :
        List.of("", "a,", "a[b", "a]", "a[x=1]b", "=a", "a[=", "x=y=z", "a[x=1,x=2]")) {
      assertThatThrownBy(() -> MethodVariants.parse(text))
          .as(text)
          .isInstanceOf(UsageException.class);
    }
  }

  @Provide
  Arbitrary<MethodVariant> variants() {
    Arbitrary<String> word =
        Arbitraries.strings().withCharRange('a', 'z').ofMinLength(1).ofMaxLength(6);
    Arbitrary<String> values = Arbitraries.of("0.5", "true", "conv1,fc1", "atan:2", "-1");
    Arbitrary<SequencedMap<String, String>> options =
        Arbitraries.maps(word, values).ofMaxSize(3).map(LinkedHashMap::new);
    return net.jqwik.api.Combinators.combine(word.map(name -> name + " 1"), word, options)
        .as(MethodVariant::new);
  }

  @Property
  void methodsAreReadBackFromTheirNotation(@ForAll("variants") MethodVariant variant) {
    MethodVariants all = new MethodVariants(List.of(variant, MethodVariant.parse("magnitude")));
    assertThat(MethodVariants.parse(all.toString())).isEqualTo(all);
  }
}
