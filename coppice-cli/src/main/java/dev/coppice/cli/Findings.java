package dev.coppice.cli;

import dev.coppice.analysis.ActivityRecording;
import dev.coppice.analysis.Avalanches;
import dev.coppice.analysis.BranchingParameter;
import dev.coppice.analysis.Correlation;
import dev.coppice.analysis.CriticalityDistribution;
import dev.coppice.analysis.FeatureConsistency;
import dev.coppice.analysis.FeatureEntropy;
import dev.coppice.analysis.FiringRates;
import dev.coppice.analysis.NetworkMeasurement;
import dev.coppice.analysis.PowerLawFit;
import dev.coppice.analysis.ScaleImportance;
import dev.coppice.analysis.ShapeCollapse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Turns what was measured of one or two models into tables and pictures. */
record Findings(List<AnalyzedModel> models, int replicates, long seed) {
  private static final int BINS = 20;
  private static final int MOST_LAGS = 100;
  private static final String NETWORK = "network";

  Findings {
    models = List.copyOf(models);
  }

  /** Returns what one analysis found. */
  Finding of(Analysis analysis) {
    return switch (analysis) {
      case CRITICALITY -> criticality();
      case RATES -> rates();
      case ENTROPY -> entropy();
      case CONSISTENCY -> consistency();
      case IMPORTANCE -> importance();
      case BRANCHING -> branching();
      case AVALANCHES -> avalanches();
    };
  }

  private Finding criticality() {
    List<List<Object>> rows = new ArrayList<>();
    List<List<Object>> details = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (AnalyzedModel model : models) {
      List<NetworkMeasurement.Layer> first = models.getFirst().measurement().layers();
      for (NetworkMeasurement.Layer layer : model.measurement().layers()) {
        CriticalityDistribution scores = CriticalityDistribution.of(layer.criticality());
        double distance =
            first.stream()
                .filter(other -> other.node().equals(layer.node()))
                .mapToDouble(o -> CriticalityDistribution.of(o.criticality()).distance(scores))
                .findFirst()
                .orElse(Double.NaN);
        rows.add(
            List.of(
                model.name(),
                layer.node(),
                scores.channels(),
                scores.quantile(0),
                scores.quantile(0.25),
                scores.quantile(0.5),
                scores.quantile(0.75),
                scores.quantile(1),
                scores.mean(),
                distance));
        for (int c = 0; c < layer.criticality().length; c++) {
          details.add(List.of(model.name(), layer.node(), c, (double) layer.criticality()[c]));
        }
        int[] counts = scores.histogram(BINS, 1);
        series.add(
            new Plot.Series(
                label(model, layer.node()),
                IntStream.range(0, BINS).mapToDouble(i -> (i + 0.5) / BINS).toArray(),
                Arrays.stream(counts).mapToDouble(n -> (double) n / scores.channels()).toArray(),
                true));
      }
    }
    return new Finding(
        "criticality",
        "Criticality of channels",
        List.of(
            "model", "layer", "channels", "min", "q1", "median", "q3", "max", "mean", "distance"),
        rows,
        List.of("model", "layer", "channel", "criticality"),
        details,
        new Plot("Criticality of channels", "criticality", "share of channels", false, series));
  }

  private Finding rates() {
    List<List<Object>> rows = new ArrayList<>();
    List<List<Object>> details = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (AnalyzedModel model : models) {
      for (NetworkMeasurement.Layer layer : model.measurement().layers()) {
        FiringRates rates = FiringRates.of(layer.spikes());
        rows.add(
            List.of(
                model.name(),
                layer.node(),
                rates.rates().length,
                rates.mean(),
                rates.silent(),
                rates.saturated(1)));
        double[] channels = rates.byChannel();
        for (int c = 0; c < channels.length; c++) {
          details.add(List.of(model.name(), layer.node(), c, channels[c]));
        }
        double[] sorted = rates.rates().clone();
        Arrays.sort(sorted);
        double[] quantiles = IntStream.rangeClosed(0, 100).mapToDouble(q -> q / 100.0).toArray();
        double[] values =
            Arrays.stream(quantiles)
                .map(q -> sorted[(int) Math.round(q * (sorted.length - 1))])
                .toArray();
        series.add(new Plot.Series(label(model, layer.node()), values, quantiles, true));
      }
    }
    return new Finding(
        "rates",
        "Firing rates",
        List.of("model", "layer", "neurons", "rate", "silent", "saturated"),
        rows,
        List.of("model", "layer", "channel", "rate"),
        details,
        new Plot("Firing rates", "spikes per time step", "share of neurons up to", false, series));
  }

  private Finding entropy() {
    List<List<Object>> rows = new ArrayList<>();
    List<List<Object>> details = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (AnalyzedModel model : models) {
      for (NetworkMeasurement.Layer layer : model.measurement().layers()) {
        FeatureEntropy entropy = FeatureEntropy.of(layer.spikes());
        double[] scores = doubles(layer.criticality());
        rows.add(
            List.of(
                model.name(),
                layer.node(),
                mean(entropy.plugIn()),
                mean(entropy.corrected()),
                Correlation.pearson(scores, entropy.corrected()),
                Correlation.spearman(scores, entropy.corrected())));
        for (int c = 0; c < scores.length; c++) {
          details.add(
              List.of(
                  model.name(),
                  layer.node(),
                  c,
                  scores[c],
                  entropy.plugIn()[c],
                  entropy.corrected()[c]));
        }
        series.add(new Plot.Series(label(model, layer.node()), scores, entropy.corrected(), false));
      }
    }
    return new Finding(
        "entropy",
        "Entropy of features (bits) and its correlation with criticality",
        List.of("model", "layer", "plug_in", "miller_madow", "pearson", "spearman"),
        rows,
        List.of("model", "layer", "channel", "criticality", "plug_in", "miller_madow"),
        details,
        new Plot("Entropy against criticality", "criticality", "entropy in bits", false, series));
  }

  private Finding consistency() {
    List<List<Object>> rows = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (AnalyzedModel model : models) {
      List<FeatureConsistency.ClassResult> results = model.consistency().byClass();
      for (FeatureConsistency.ClassResult result : results) {
        rows.add(
            List.of(
                model.name(),
                model.classes().get(result.label()),
                result.trainingSamples(),
                result.testSamples(),
                result.trainingVariance(),
                result.testVariance(),
                result.similarity()));
      }
      series.add(
          new Plot.Series(
              model.name(),
              results.stream().mapToDouble(r -> r.trainingVariance()).toArray(),
              results.stream().mapToDouble(r -> r.similarity()).toArray(),
              false));
    }
    return new Finding(
        "consistency",
        "Consistency of features by class",
        List.of("model", "class", "train", "test", "train_variance", "test_variance", "similarity"),
        rows,
        List.of(),
        List.of(),
        new Plot(
            "Consistency of features: each point a class",
            "variance within the class, training images",
            "cosine of training and test means",
            false,
            series));
  }

  /** Compares two models of one original network: a channel whose scale is zero was not kept. */
  private Finding importance() {
    AnalyzedModel first = models.getFirst();
    AnalyzedModel second = models.getLast();
    OriginalScales scales =
        OriginalScales.of(first.model(), second.model())
            .orElseThrow(
                () ->
                    new UsageException(
                        "importance compares channels of one original network; the two models are"
                            + " of different ones"));
    float[] a = scales.first();
    float[] b = scales.second();
    ScaleImportance found =
        ScaleImportance.of(a, OriginalScales.kept(a), b, OriginalScales.kept(b));
    return new Finding(
        "importance",
        "Normalised scale of the channels that only one model kept (lower is more important)",
        List.of("model", "kept by", "channels", "importance"),
        List.of(
            List.of(first.name(), "it alone", found.onlyFirst(), found.first()),
            List.of(second.name(), "it alone", found.onlySecond(), found.second())),
        List.of(),
        List.of(),
        new Plot(
            "Scales of batch norms",
            first.name() + " |γ|",
            second.name() + " |γ|",
            false,
            List.of(new Plot.Series("channels", magnitudes(a), magnitudes(b), false))));
  }

  private Finding branching() {
    List<List<Object>> rows = new ArrayList<>();
    List<List<Object>> details = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (AnalyzedModel model : models) {
      for (String part : parts(model.recording())) {
        List<long[]> trials = activity(model.recording(), part);
        int lags = Math.clamp(trials.getFirst().length / 4, 3, MOST_LAGS);
        Optional<BranchingParameter> found =
            // Each image drives the network in its own way.
            BranchingParameter.of(trials, lags, BranchingParameter.Mean.OF_TRIAL);
        double mean = trials.stream().flatMapToLong(Arrays::stream).average().orElse(Double.NaN);
        BranchingParameter.Fit none =
            new BranchingParameter.Fit(Double.NaN, Double.NaN, Double.NaN, Double.NaN);
        // Where activity does not follow on activity at all, the curves are fitted to noise.
        Optional<BranchingParameter> following = found.filter(one -> one.naive() > 0);
        BranchingParameter.Fit fit = following.map(BranchingParameter::fit).orElse(none);
        BranchingParameter.Fit offset = following.map(BranchingParameter::offsetFit).orElse(none);
        rows.add(
            List.of(
                model.name(),
                part,
                mean,
                found.map(BranchingParameter::naive).orElse(Double.NaN),
                fit.m(),
                fit.b(),
                fit.residual(),
                offset.m(),
                offset.c(),
                offset.residual()));
        double[] slopes = found.map(BranchingParameter::slopes).orElse(new double[0]);
        double[] k = IntStream.rangeClosed(1, slopes.length).asDoubleStream().toArray();
        for (int i = 0; i < slopes.length; i++) {
          details.add(List.of(model.name(), part, i + 1, slopes[i]));
        }
        series.add(new Plot.Series(label(model, part), k, slopes, part.equals(NETWORK)));
      }
    }
    return new Finding(
        "branching",
        "Branching parameter m (activity by time step, multistep regression)",
        List.of(
            "model",
            "part",
            "activity",
            "one_step",
            "m",
            "b",
            "residual",
            "m_offset",
            "c",
            "residual_offset"),
        rows,
        List.of("model", "part", "lag", "slope"),
        details,
        new Plot("Slopes of activity on earlier activity", "lag k", "r_k", false, series));
  }

  private Finding avalanches() {
    List<List<Object>> rows = new ArrayList<>();
    List<List<Object>> details = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (AnalyzedModel model : models) {
      for (String part : parts(model.recording())) {
        List<long[]> trials = activity(model.recording(), part);
        Avalanches found = Avalanches.of(trials, Avalanches.suggestedThreshold(trials));
        Optional<PowerLawFit> sizes = PowerLawFit.of(found.sizes());
        Optional<PowerLawFit> durations = PowerLawFit.of(found.durations());
        Optional<ShapeCollapse> collapse =
            sizes.isPresent() && durations.isPresent()
                ? ShapeCollapse.of(found, sizes.get(), durations.get())
                : Optional.empty();
        rows.add(
            List.of(
                model.name(),
                part,
                found.threshold(),
                found.count(),
                found.meanSize(),
                found.meanDuration(),
                sizes.map(PowerLawFit::exponent).orElse(Double.NaN),
                sizes.map(fit -> (double) fit.minimum()).orElse(Double.NaN),
                sizes.map(fit -> (double) fit.tail()).orElse(Double.NaN),
                goodness(sizes, found.sizes()),
                durations.map(PowerLawFit::exponent).orElse(Double.NaN),
                durations.map(fit -> (double) fit.minimum()).orElse(Double.NaN),
                durations.map(fit -> (double) fit.tail()).orElse(Double.NaN),
                goodness(durations, found.durations()),
                collapse.map(ShapeCollapse::predicted).orElse(Double.NaN),
                collapse.map(ShapeCollapse::measured).orElse(Double.NaN)));
        for (int i = 0; i < found.count(); i++) {
          details.add(List.of(model.name(), part, found.sizes()[i], found.durations()[i]));
        }
        double[] sorted = Arrays.stream(found.sizes()).sorted().asDoubleStream().toArray();
        double[] above =
            IntStream.range(0, sorted.length)
                .mapToDouble(i -> (double) (sorted.length - i) / sorted.length)
                .toArray();
        series.add(new Plot.Series(label(model, part), sorted, above, true));
      }
    }
    return new Finding(
        "avalanches",
        "Avalanches (s: size, d: duration; p below 0.1 rules a power law out)",
        List.of(
            "model",
            "part",
            "threshold",
            "avalanches",
            "mean_s",
            "mean_d",
            "tau_s",
            "min_s",
            "tail_s",
            "p_s",
            "tau_d",
            "min_d",
            "tail_d",
            "p_d",
            "predicted",
            "measured"),
        rows,
        List.of("model", "part", "size", "duration"),
        details,
        new Plot("Sizes of avalanches", "size", "share at least as large", true, series));
  }

  private double goodness(Optional<PowerLawFit> fit, long[] values) {
    return fit.map(law -> law.goodness(values, replicates, seed)).orElse(Double.NaN);
  }

  private String label(AnalyzedModel model, String part) {
    return models.size() == 1 ? part : model.name() + " " + part;
  }

  private static List<String> parts(ActivityRecording recording) {
    List<String> parts = new ArrayList<>(List.of(NETWORK));
    parts.addAll(recording.layers());
    return parts;
  }

  private static List<long[]> activity(ActivityRecording recording, String part) {
    return recording.layers().contains(part) ? recording.of(part) : recording.network();
  }

  private static double[] magnitudes(float[] scales) {
    return Arrays.stream(doubles(scales)).map(Math::abs).toArray();
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElse(Double.NaN);
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }
}
